#include "pool.h"
#include "registration.h"

namespace cmopt {
namespace {

// Dilation 1, no ceil_mode and equal zero points, as in the stock operator.
Tensor& quantized_max_pool2d_out(
    Context& context,
    const Tensor& input,
    IntList kernel_size,
    IntList stride,
    IntList padding,
    IntList dilation,
    bool ceil_mode,
    int64_t input_zero_point,
    int64_t output_zero_point,
    int64_t activation_min,
    int64_t activation_max,
    Tensor& out) {
  Checker check(context, "quantized_max_pool2d");
  Pool pool;
  cmsis_nn_tile taps;
  if (!prepare_pool(check, input, kernel_size, stride, padding, out, &pool) ||
      !check.tile("dilation", dilation, 1, &taps) || !check.equal("dilation[0]", taps.h, 1) ||
      !check.equal("dilation[1]", taps.w, 1) || !check.equal("ceil_mode", ceil_mode ? 1 : 0, 0) ||
      !check.zero_point("input_zero_point", input_zero_point) ||
      !check.equal("output_zero_point", output_zero_point, input_zero_point) ||
      !check.activation(activation_min, activation_max)) {
    return out;
  }
  pool.params.activation = {
      static_cast<int32_t>(activation_min), static_cast<int32_t>(activation_max)};
  const cmsis_nn_context no_scratch = {nullptr, 0};
  check.status(
      "arm_max_pool_s8",
      arm_max_pool_s8(
          &no_scratch,
          &pool.params,
          &pool.input,
          input.const_data_ptr<int8_t>(),
          &pool.filter,
          &pool.output,
          out.mutable_data_ptr<int8_t>()));
  return out;
}

CMOPT_OPERATOR(quantized_max_pool2d, quantized_max_pool2d_out);

} // namespace
} // namespace cmopt
