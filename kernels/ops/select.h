// Elementwise minimum and maximum of int8 tensors.
#pragma once

#include "common.h"

namespace cmopt {

using SelectKernel = decltype(&arm_minimum_s8);

// Sizes count as physical and right-aligned, rank <= 4. A size of 1 is broadcast. Both operands
// and the result have the same quantization.
inline void select(
    Context& context,
    const char* op,
    SelectKernel kernel,
    const Tensor& self,
    const Tensor& other,
    Tensor& out) {
  Checker check(context, op);
  if (!check.int8("self", self) || !check.int8("other", other) || !check.int8("out", out) ||
      !check.rank("self", self, 0, 4) || !check.rank("other", other, 0, 4) ||
      !check.rank("out", out, 0, 4)) {
    return;
  }
  const cmsis_nn_dims a = right_aligned_dims(self);
  const cmsis_nn_dims b = right_aligned_dims(other);
  const cmsis_nn_dims result = right_aligned_dims(out);
  const int32_t sizes[4][3] = {
      {a.n, b.n, result.n}, {a.h, b.h, result.h}, {a.w, b.w, result.w}, {a.c, b.c, result.c}};
  for (const auto& size : sizes) {
    if ((size[0] != size[1] && size[0] != 1 && size[1] != 1) ||
        size[2] != (size[0] == 1 ? size[1] : size[0])) {
      check.fail("sizes %d and %d do not broadcast to %d", size[0], size[1], size[2]);
      return;
    }
  }
#ifdef CMOPT_EXTERNAL_CMSIS_NN
  // CMSIS-NN reads wrong elements if an operand has one value per row and the other has wider rows.
  const auto lost = [](const cmsis_nn_dims& x, const cmsis_nn_dims& y) {
    return x.w * x.c == 1 && x.h > 1 && y.w > 1;
  };
  if (lost(a, b) || lost(b, a)) {
    check.fail("CMSIS-NN does not broadcast [%d, 1, 1] to [%d, %d, %d]", result.h, result.h,
               result.w, result.c);
    return;
  }
#endif
  const cmsis_nn_context no_scratch = {nullptr, 0};
  check.status(
      op,
      kernel(
          &no_scratch,
          self.const_data_ptr<int8_t>(),
          &a,
          other.const_data_ptr<int8_t>(),
          &b,
          out.mutable_data_ptr<int8_t>(),
          &result));
}

} // namespace cmopt
