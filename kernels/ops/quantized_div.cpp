#include <cmath>

#include "cmopt_tensor_ops.h"
#include "common.h"
#include "registration.h"

namespace cmopt {
namespace {

Tensor& quantized_div_out(
    Context& context,
    const Tensor& self,
    int64_t self_zero_point,
    const Tensor& other,
    int64_t other_zero_point,
    int64_t output_zero_point,
    double output_scale,
    Tensor& out) {
  Checker check(context, "quantized_div");
  const ScalarType dtype = out.scalar_type();
  if (dtype != ScalarType::Char && dtype != ScalarType::Short) {
    check.fail("out has dtype %d, neither int8 nor int16", static_cast<int>(dtype));
    return out;
  }
  const bool is_int8 = dtype == ScalarType::Char;
  const int64_t low = is_int8 ? INT8_MIN : INT16_MIN;
  const int64_t high = is_int8 ? INT8_MAX : INT16_MAX;
  if (!check.tensor("self", self, dtype) || !check.tensor("other", other, dtype) ||
      !check.tensor("out", out, dtype) || !check.same_sizes("self", self, "other", other) ||
      !check.same_sizes("self", self, "out", out) ||
      !check.range("self_zero_point", self_zero_point, low, high) ||
      !check.range("other_zero_point", other_zero_point, low, high) ||
      !check.range("output_zero_point", output_zero_point, low, high)) {
    return out;
  }
  const auto scale = static_cast<float>(output_scale);
  if (!std::isfinite(scale)) {
    check.fail("output_scale %g is not finite in float", output_scale);
    return out;
  }
  const cmopt_division division = {
      static_cast<int32_t>(self_zero_point),
      static_cast<int32_t>(other_zero_point),
      static_cast<int32_t>(output_zero_point),
      scale};
  const auto count = static_cast<size_t>(out.numel());
  if (is_int8) {
    cmopt_divide_s8(
        self.const_data_ptr<int8_t>(),
        other.const_data_ptr<int8_t>(),
        count,
        &division,
        out.mutable_data_ptr<int8_t>());
  } else {
    cmopt_divide_s16(
        self.const_data_ptr<int16_t>(),
        other.const_data_ptr<int16_t>(),
        count,
        &division,
        out.mutable_data_ptr<int16_t>());
  }
  return out;
}

CMOPT_OPERATOR(quantized_div, quantized_div_out);

} // namespace
} // namespace cmopt
