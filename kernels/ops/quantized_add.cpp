#include "elementwise.h"
#include "registration.h"

namespace cmopt {
namespace {

// Both inputs are shifted left by this many bits before they are rescaled.
constexpr int32_t kLeftShift = 20;

struct Operand {
  const int8_t* data;
  int32_t offset;
  int32_t multiplier;
  int32_t shift;
};

Operand operand(const Tensor& tensor, int64_t zero_point, int64_t multiplier, int64_t shift) {
  return {
      tensor.const_data_ptr<int8_t>(),
      static_cast<int32_t>(-zero_point),
      static_cast<int32_t>(multiplier),
      static_cast<int32_t>(shift)};
}

Tensor& quantized_add_out(
    Context& context,
    const Tensor& self,
    int64_t self_zero_point,
    int64_t self_multiplier,
    int64_t self_shift,
    const Tensor& other,
    int64_t other_zero_point,
    int64_t other_multiplier,
    int64_t other_shift,
    int64_t output_zero_point,
    int64_t output_multiplier,
    int64_t output_shift,
    int64_t activation_min,
    int64_t activation_max,
    Tensor& out) {
  Checker check(context, "quantized_add");
  BlockPlan plan;
  if (!plan_blocks(check, self, other, out, &plan) ||
      !check.zero_point("self_zero_point", self_zero_point) ||
      !check.zero_point("other_zero_point", other_zero_point) ||
      !check.zero_point("output_zero_point", output_zero_point) ||
      !check.requantization("self", self_multiplier, self_shift) ||
      !check.requantization("other", other_multiplier, other_shift) ||
      !check.requantization("output", output_multiplier, output_shift) ||
      !check.activation(activation_min, activation_max)) {
    return out;
  }
  Operand wide = operand(self, self_zero_point, self_multiplier, self_shift);
  Operand narrow = operand(other, other_zero_point, other_multiplier, other_shift);
  if (plan.swapped) {
    std::swap(wide, narrow);
  }
  int8_t* result = out.mutable_data_ptr<int8_t>();
  for (int32_t i = 0; i < plan.blocks; ++i) {
    const auto status = arm_elementwise_add_s8(
        wide.data + i * plan.block,
        narrow.data,
        wide.offset,
        wide.multiplier,
        wide.shift,
        narrow.offset,
        narrow.multiplier,
        narrow.shift,
        kLeftShift,
        result + i * plan.block,
        static_cast<int32_t>(output_zero_point),
        static_cast<int32_t>(output_multiplier),
        static_cast<int32_t>(output_shift),
        static_cast<int32_t>(activation_min),
        static_cast<int32_t>(activation_max),
        plan.block);
    if (!check.status("arm_elementwise_add_s8", status)) {
      return out;
    }
  }
  return out;
}

CMOPT_OPERATOR(quantized_add, quantized_add_out);

} // namespace
} // namespace cmopt
