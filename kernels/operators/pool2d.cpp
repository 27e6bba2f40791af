// Average and maximum pooling of int16.
#include "../ops/pool.h"
#include "operators.h"

namespace cmopt {
namespace native {

Tensor& quantized_avg_pool2d_out(
    Context& context,
    const Tensor& input,
    IntList kernel_size,
    IntList stride,
    IntList padding,
    int64_t activation_min,
    int64_t activation_max,
    const Tensor& scratch,
    Tensor& out) {
  Checker check(context, "quantized_avg_pool2d", kLibrary);
  Pool pool;
  cmsis_nn_context buffer;
  if (!prepare_pool(
          check, input, kernel_size, stride, padding, out, &pool, ScalarType::Short) ||
      !check.range("the size of a window", int64_t{pool.filter.h} * pool.filter.w, 1, 65535) ||
      !check.wide_activation(activation_min, activation_max) ||
      !scratch_context(
          check,
          scratch,
          arm_avgpool_s16_get_buffer_size(pool.output.w, pool.output.c),
          &buffer)) {
    return out;
  }
  pool.params.activation = {
      static_cast<int32_t>(activation_min), static_cast<int32_t>(activation_max)};
  check.status(
      "arm_avgpool_s16",
      arm_avgpool_s16(
          &buffer,
          &pool.params,
          &pool.input,
          input.const_data_ptr<int16_t>(),
          &pool.filter,
          &pool.output,
          out.mutable_data_ptr<int16_t>()));
  return out;
}

Tensor& quantized_max_pool2d_out(
    Context& context,
    const Tensor& input,
    IntList kernel_size,
    IntList stride,
    IntList padding,
    int64_t activation_min,
    int64_t activation_max,
    Tensor& out) {
  Checker check(context, "quantized_max_pool2d", kLibrary);
  Pool pool;
  if (!prepare_pool(
          check, input, kernel_size, stride, padding, out, &pool, ScalarType::Short) ||
      !check.wide_activation(activation_min, activation_max)) {
    return out;
  }
  pool.params.activation = {
      static_cast<int32_t>(activation_min), static_cast<int32_t>(activation_max)};
  const cmsis_nn_context no_scratch = {nullptr, 0};
  check.status(
      "arm_max_pool_s16",
      arm_max_pool_s16(
          &no_scratch,
          &pool.params,
          &pool.input,
          input.const_data_ptr<int16_t>(),
          &pool.filter,
          &pool.output,
          out.mutable_data_ptr<int16_t>()));
  return out;
}

} // namespace native
} // namespace cmopt
