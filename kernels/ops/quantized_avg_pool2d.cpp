#include "pool.h"
#include "registration.h"
#include "scratch.h"

namespace cmopt {
namespace {

// PyTorch's output size. With ceil_mode a last window that starts in the padding is dropped.
int64_t
output_size(int64_t input, int64_t kernel, int64_t stride, int64_t padding, bool ceil_mode) {
  const int64_t room = input + 2 * padding - kernel;
  if (room < 0) {
    return 0;
  }
  int64_t size = (room + (ceil_mode ? stride - 1 : 0)) / stride + 1;
  if (ceil_mode && (size - 1) * stride >= input + padding) {
    --size;
  }
  return size;
}

// Averages over the positions inside the input. zero_point, multiplier and shift are in the schema
// but have no effect: the kernel does not requantize. `scratch` is not used, see Scratch.
Tensor& quantized_avg_pool2d_out(
    Context& context,
    const Tensor& input,
    IntList kernel_size,
    IntList stride,
    IntList padding,
    bool ceil_mode,
    int64_t /*zero_point*/,
    int64_t /*multiplier*/,
    int64_t /*shift*/,
    const Tensor& /*scratch*/,
    Tensor& out) {
  Checker check(context, "quantized_avg_pool2d");
  Pool pool;
  if (!prepare_pool(check, input, kernel_size, stride, padding, out, &pool)) {
    return out;
  }
  const cmsis_nn_tile step = pool.params.stride;
  const cmsis_nn_tile pad = pool.params.padding;
  if (!check.equal(
          "the output height",
          pool.output.h,
          output_size(pool.input.h, pool.filter.h, step.h, pad.h, ceil_mode)) ||
      !check.equal(
          "the output width",
          pool.output.w,
          output_size(pool.input.w, pool.filter.w, step.w, pad.w, ceil_mode))) {
    return out;
  }
  pool.params.activation = {INT8_MIN, INT8_MAX};
  Scratch buffer;
  if (!buffer.allocate(check, arm_avgpool_s8_get_buffer_size(pool.output.w, pool.input.c))) {
    return out;
  }
  const cmsis_nn_context scratch_context = buffer.context();
  check.status(
      "arm_avgpool_s8",
      arm_avgpool_s8(
          &scratch_context,
          &pool.params,
          &pool.input,
          input.const_data_ptr<int8_t>(),
          &pool.filter,
          &pool.output,
          out.mutable_data_ptr<int8_t>()));
  return out;
}

CMOPT_OPERATOR(quantized_avg_pool2d, quantized_avg_pool2d_out);

} // namespace
} // namespace cmopt
