#include <algorithm>
#include <cmath>
#include <limits>

#include "common.h"
#include "registration.h"

namespace cmopt {
namespace {

// q = clamp(nearbyint(x * (1 / scale)) + zero_point, quant_min, quant_max), the product in float.
// Clamping before the conversion to an integer defines every result: infinities and values beyond
// int32 saturate, and NaN becomes the (clamped) zero point. Elements are computed in ascending
// order, so the output may be in the first bytes of the input's memory.
template <typename Q>
void quantize(
    const Tensor& input,
    float inverse_scale,
    int32_t zero_point,
    int32_t quant_min,
    int32_t quant_max,
    Tensor& out) {
  const float* in = input.const_data_ptr<float>();
  Q* q = out.mutable_data_ptr<Q>();
  // All four are below 2^17 and therefore exact in float.
  const float low = static_cast<float>(quant_min - zero_point);
  const float high = static_cast<float>(quant_max - zero_point);
  const int64_t count = input.numel();
  for (int64_t i = 0; i < count; ++i) {
    float step = std::nearbyint(in[i] * inverse_scale);
    if (std::isnan(step)) {
      step = 0.0f;
    }
    step = std::min(std::max(step, low), high);
    q[i] = static_cast<Q>(static_cast<int32_t>(step) + zero_point);
  }
}

Tensor& quantize_per_tensor_out(
    Context& context,
    const Tensor& input,
    double scale,
    int64_t zero_point,
    int64_t quant_min,
    int64_t quant_max,
    ScalarType dtype,
    Tensor& out) {
  Checker check(context, "quantize_per_tensor");
  if (dtype != ScalarType::Char && dtype != ScalarType::Short) {
    check.fail("dtype %d is neither int8 nor int16", static_cast<int>(dtype));
    return out;
  }
  const bool is_int8 = dtype == ScalarType::Char;
  const int64_t low = is_int8 ? INT8_MIN : INT16_MIN;
  const int64_t high = is_int8 ? INT8_MAX : INT16_MAX;
  if (executorch::runtime::resize_tensor(out, input.sizes()) != Error::Ok) {
    check.fail("out cannot take the sizes of input");
    return out;
  }
  const float inverse_scale = 1.0f / static_cast<float>(scale);
  if (!check.tensor("input", input, ScalarType::Float) || !check.tensor("out", out, dtype) ||
      !check.range("quant_min", quant_min, low, high) ||
      !check.range("quant_max", quant_max, quant_min, high) ||
      !check.range("zero_point", zero_point, low, high)) {
    return out;
  }
  if (!(scale > 0.0) || !std::isfinite(inverse_scale)) {
    check.fail("scale %g has no finite reciprocal in float", scale);
    return out;
  }
  const auto run = is_int8 ? quantize<int8_t> : quantize<int16_t>;
  run(input,
      inverse_scale,
      static_cast<int32_t>(zero_point),
      static_cast<int32_t>(quant_min),
      static_cast<int32_t>(quant_max),
      out);
  return out;
}

CMOPT_OPERATOR(quantize_per_tensor, quantize_per_tensor_out);

} // namespace
} // namespace cmopt
