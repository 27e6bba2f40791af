#include "common.h"
#include "registration.h"

namespace cmopt {
namespace {

// x = (q - zero_point) * scale, in float. Elements are computed in ascending order, so the input
// may be in the last bytes of the output's memory.
template <typename Q>
void dequantize(const Tensor& input, float scale, int32_t zero_point, Tensor& out) {
  const Q* q = input.const_data_ptr<Q>();
  float* x = out.mutable_data_ptr<float>();
  const int64_t count = input.numel();
  for (int64_t i = 0; i < count; ++i) {
    x[i] = static_cast<float>(static_cast<int32_t>(q[i]) - zero_point) * scale;
  }
}

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
  const auto run = is_int8 ? dequantize<int8_t> : dequantize<int16_t>;
  run(input, static_cast<float>(scale), static_cast<int32_t>(zero_point), out);
  return out;
}

CMOPT_OPERATOR(dequantize_per_tensor, dequantize_per_tensor_out);

} // namespace
} // namespace cmopt
