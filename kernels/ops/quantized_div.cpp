#include <algorithm>
#include <cmath>
#include <limits>

#include "common.h"
#include "registration.h"

namespace cmopt {
namespace {

// round((a - zp_a) / (b - zp_b) * scale) + zp_out, clamped, in float; halves away from zero.
// Dividing by an element that equals its zero point gives a quotient of 0.
template <typename Q>
void divide(
    const Tensor& a,
    int32_t a_zero_point,
    const Tensor& b,
    int32_t b_zero_point,
    int32_t out_zero_point,
    float scale,
    Tensor& out) {
  const Q* numerators = a.const_data_ptr<Q>();
  const Q* denominators = b.const_data_ptr<Q>();
  Q* result = out.mutable_data_ptr<Q>();
  const auto low = static_cast<float>(std::numeric_limits<Q>::min());
  const auto high = static_cast<float>(std::numeric_limits<Q>::max());
  const int64_t count = out.numel();
  for (int64_t i = 0; i < count; ++i) {
    const auto numerator = static_cast<float>(numerators[i] - a_zero_point);
    const auto denominator = static_cast<float>(denominators[i] - b_zero_point);
    const float quotient = denominator != 0.0f ? numerator / denominator : 0.0f;
    const float value = std::round(quotient * scale) + static_cast<float>(out_zero_point);
    result[i] = static_cast<Q>(std::min(std::max(value, low), high));
  }
}

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
  const auto run = is_int8 ? divide<int8_t> : divide<int16_t>;
  run(self,
      static_cast<int32_t>(self_zero_point),
      other,
      static_cast<int32_t>(other_zero_point),
      static_cast<int32_t>(output_zero_point),
      scale,
      out);
  return out;
}

CMOPT_OPERATOR(quantized_div, quantized_div_out);

} // namespace
} // namespace cmopt
