// What average and maximum pooling share.
#pragma once

#include "common.h"

namespace cmopt {

struct Pool {
  cmsis_nn_pool_params params;
  cmsis_nn_dims input;
  cmsis_nn_dims filter;
  cmsis_nn_dims output;
};

// Checks tensors and window parameters and fills in `pool` but not the activation bounds. Padding
// is below the kernel size, so a window that starts inside the input reads at least one position.
inline bool prepare_pool(
    Checker& check,
    const Tensor& input,
    IntList kernel_size,
    IntList stride,
    IntList padding,
    const Tensor& out,
    Pool* pool,
    ScalarType dtype = ScalarType::Char) {
  cmsis_nn_tile kernel;
  if (!check.nhwc("input", input, dtype) || !check.nhwc("out", out, dtype) ||
      !check.tile("kernel_size", kernel_size, 1, &kernel) ||
      !check.tile("stride", stride, 1, &pool->params.stride) ||
      !check.tile("padding", padding, 0, &pool->params.padding) ||
      !check.range("vertical padding", pool->params.padding.h, 0, kernel.h - 1) ||
      !check.range("horizontal padding", pool->params.padding.w, 0, kernel.w - 1)) {
    return false;
  }
  pool->input = nhwc_dims(input);
  pool->filter = {1, kernel.h, kernel.w, 1};
  pool->output = nhwc_dims(out);
  return check.equal("the batch size of out", pool->output.n, pool->input.n) &&
      check.range("the batch size", pool->input.n, 1, INT32_MAX) &&
      check.equal("the number of output channels", pool->output.c, pool->input.c) &&
      check.window(
          pool->input,
          pool->output,
          pool->filter,
          pool->params.stride,
          pool->params.padding,
          {1, 1});
}

} // namespace cmopt
