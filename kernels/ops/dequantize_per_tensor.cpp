#include "cmopt_tensor_ops.h"
#include "common.h"
#include "registration.h"

namespace cmopt {
namespace {

Tensor& dequantize_per_tensor_out(
    Context& context,
    const Tensor& input,
    double scale,
    int64_t zero_point,
    int64_t quant_min,
    int64_t quant_max,
    ScalarType dtype,
    Tensor& out) {
  Checker check(context, "dequantize_per_tensor");
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
  if (!check.tensor("input", input, dtype) || !check.tensor("out", out, ScalarType::Float) ||
      !check.range("quant_min", quant_min, low, high) ||
      !check.range("quant_max", quant_max, quant_min, high) ||
      !check.range("zero_point", zero_point, quant_min, quant_max)) {
    return out;
  }
  const cmopt_quantization from = {
      static_cast<float>(scale),
      static_cast<int32_t>(zero_point),
      static_cast<int32_t>(quant_min),
      static_cast<int32_t>(quant_max)};
  const auto count = static_cast<size_t>(input.numel());
  float* x = out.mutable_data_ptr<float>();
  if (is_int8) {
    cmopt_dequantize_s8(input.const_data_ptr<int8_t>(), count, &from, x);
  } else {
    cmopt_dequantize_s16(input.const_data_ptr<int16_t>(), count, &from, x);
  }
  return out;
}

CMOPT_OPERATOR(dequantize_per_tensor, dequantize_per_tensor_out);

} // namespace
} // namespace cmopt
