// Operand shapes of the quantized binary operators.
#pragma once

#include <utility>

#include "common.h"

namespace cmopt {

// How two int8 operands are combined: in `blocks` runs of `block` elements. The wide operand
// advances by `block` from run to run. The narrow one is the same in every run.
struct BlockPlan {
  bool swapped; // the second argument is the wide operand
  int32_t blocks;
  int32_t block;
};

// Equal sizes give one run. Otherwise both are 4-D with the same channels, one operand is a single
// pixel, and the other is channels last: one run per pixel.
inline bool
plan_blocks(Checker& check, const Tensor& a, const Tensor& b, const Tensor& out, BlockPlan* plan) {
  if (!check.int8("self", a) || !check.int8("other", b) || !check.int8("out", out)) {
    return false;
  }
  const bool one_pixel = a.dim() == 4 && b.dim() == 4 && a.size(1) == b.size(1) &&
      (a.numel() == a.size(1) || b.numel() == b.size(1));
  if (!one_pixel || a.numel() == b.numel()) {
    *plan = {false, 1, static_cast<int32_t>(out.numel())};
    return check.same_sizes("self", a, "other", b) && check.same_sizes("self", a, "out", out);
  }
  const bool swapped = a.numel() < b.numel();
  const Tensor& wide = swapped ? b : a;
  const auto channels = static_cast<int32_t>(wide.size(1));
  if (channels < 1) {
    return check.fail("operands have no channels");
  }
  *plan = {swapped, static_cast<int32_t>(wide.numel()) / channels, channels};
  return check.nhwc(swapped ? "other" : "self", wide) &&
      check.same_sizes(swapped ? "other" : "self", wide, "out", out);
}

} // namespace cmopt
