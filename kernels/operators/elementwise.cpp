// Sums, products and magnitudes of two int16 tensors of one shape.
#include "cmopt_tensor_ops.h"
#include "operators.h"

namespace cmopt {
namespace {

// Both inputs of a sum are shifted left by this many bits before they are rescaled.
constexpr int32_t kLeftShift = 15;

bool pairs(Checker& check, const Tensor& self, const Tensor& other, const Tensor& out) {
  return int16(check, "self", self) && int16(check, "other", other) && int16(check, "out", out) &&
      check.same_sizes("self", self, "other", other) && check.same_sizes("self", self, "out", out);
}

} // namespace

namespace native {

Tensor& quantized_add_out(
    Context& context,
    const Tensor& self,
    int64_t self_multiplier,
    int64_t self_shift,
    const Tensor& other,
    int64_t other_multiplier,
    int64_t other_shift,
    int64_t output_multiplier,
    int64_t output_shift,
    int64_t activation_min,
    int64_t activation_max,
    Tensor& out) {
  Checker check(context, "quantized_add", kLibrary);
  if (!pairs(check, self, other, out) ||
      !check.requantization("self", self_multiplier, self_shift) ||
      !check.requantization("other", other_multiplier, other_shift) ||
      !check.requantization("output", output_multiplier, output_shift) ||
      !check.wide_activation(activation_min, activation_max)) {
    return out;
  }
  const auto status = arm_elementwise_add_s16(
      self.const_data_ptr<int16_t>(),
      other.const_data_ptr<int16_t>(),
      0,
      static_cast<int32_t>(self_multiplier),
      static_cast<int32_t>(self_shift),
      0,
      static_cast<int32_t>(other_multiplier),
      static_cast<int32_t>(other_shift),
      kLeftShift,
      out.mutable_data_ptr<int16_t>(),
      0,
      static_cast<int32_t>(output_multiplier),
      static_cast<int32_t>(output_shift),
      static_cast<int32_t>(activation_min),
      static_cast<int32_t>(activation_max),
      static_cast<int32_t>(out.numel()));
  check.status("arm_elementwise_add_s16", status);
  return out;
}

Tensor& quantized_mul_out(
    Context& context,
    const Tensor& self,
    const Tensor& other,
    int64_t output_multiplier,
    int64_t output_shift,
    int64_t activation_min,
    int64_t activation_max,
    Tensor& out) {
  Checker check(context, "quantized_mul", kLibrary);
  if (!pairs(check, self, other, out) ||
      !check.requantization("output", output_multiplier, output_shift) ||
      !check.wide_activation(activation_min, activation_max)) {
    return out;
  }
  const auto status = arm_elementwise_mul_s16(
      self.const_data_ptr<int16_t>(),
      other.const_data_ptr<int16_t>(),
      0,
      0,
      out.mutable_data_ptr<int16_t>(),
      0,
      static_cast<int32_t>(output_multiplier),
      static_cast<int32_t>(output_shift),
      static_cast<int32_t>(activation_min),
      static_cast<int32_t>(activation_max),
      static_cast<int32_t>(out.numel()));
  check.status("arm_elementwise_mul_s16", status);
  return out;
}

Tensor& quantized_hypot_out(
    Context& context,
    const Tensor& self,
    const Tensor& other,
    int64_t output_multiplier,
    int64_t output_shift,
    Tensor& out) {
  Checker check(context, "quantized_hypot", kLibrary);
  if (!pairs(check, self, other, out) ||
      !check.range("output_multiplier", output_multiplier, 0, INT32_MAX) ||
      !check.range("output_shift", output_shift, -16, 15)) {
    return out;
  }
  cmopt_hypot_s16(
      self.const_data_ptr<int16_t>(),
      other.const_data_ptr<int16_t>(),
      static_cast<size_t>(out.numel()),
      static_cast<int32_t>(output_multiplier),
      static_cast<int32_t>(output_shift),
      out.mutable_data_ptr<int16_t>());
  return out;
}

} // namespace native
} // namespace cmopt
