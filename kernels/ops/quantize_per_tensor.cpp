#include <cmath>

#include "cmopt_tensor_ops.h"
#include "common.h"
#include "registration.h"

namespace cmopt {
namespace {

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
  const cmopt_quantization to = {
      static_cast<float>(scale),
      static_cast<int32_t>(zero_point),
      static_cast<int32_t>(quant_min),
      static_cast<int32_t>(quant_max)};
  const auto count = static_cast<size_t>(input.numel());
  const float* in = input.const_data_ptr<float>();
  if (is_int8) {
    cmopt_quantize_s8(in, count, &to, out.mutable_data_ptr<int8_t>());
  } else {
    cmopt_quantize_s16(in, count, &to, out.mutable_data_ptr<int16_t>());
  }
  return out;
}

CMOPT_OPERATOR(quantize_per_tensor, quantize_per_tensor_out);

} // namespace
} // namespace cmopt
