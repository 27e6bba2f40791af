#include "common.h"
#include "registration.h"

namespace cmopt {
namespace {

bool dims_of(Checker& check, const char* name, IntList list, cmsis_nn_dims* dims) {
  if (!check.equal(name, static_cast<int64_t>(list.size()), 4)) {
    return false;
  }
  for (size_t i = 0; i < 4; ++i) {
    if (!check.range(name, list[i], 0, INT32_MAX)) {
      return false;
    }
  }
  *dims = {
      static_cast<int32_t>(list[0]),
      static_cast<int32_t>(list[1]),
      static_cast<int32_t>(list[2]),
      static_cast<int32_t>(list[3])};
  return true;
}

bool padded(Checker& check, const char* name, int64_t out, int64_t in, int64_t pre, int64_t post) {
  return check.equal(name, out, pre + in + post);
}

// The pads are four numbers in physical order, right-aligned to the rank. A channels-last input is
// padded as NHWC, any other input in the order of its sizes.
Tensor& pad_out(
    Context& context,
    const Tensor& input,
    IntList pre_pad,
    IntList post_pad,
    int64_t pad_value,
    Tensor& out) {
  Checker check(context, "pad");
  cmsis_nn_dims pre;
  cmsis_nn_dims post;
  if (!check.int8("input", input) || !check.int8("out", out) ||
      !check.rank("input", input, 1, kMostRank) || !check.rank("out", out, input.dim(), input.dim()) ||
      !dims_of(check, "pre_pad", pre_pad, &pre) || !dims_of(check, "post_pad", post_pad, &post) ||
      !check.zero_point("pad_value", pad_value)) {
    return out;
  }
  const bool nhwc = is_channels_last(input);
  const cmsis_nn_dims size = nhwc ? nhwc_dims(input) : right_aligned_dims(input);
  const cmsis_nn_dims result = nhwc ? nhwc_dims(out) : right_aligned_dims(out);
  if (!padded(check, "physical dimension 0 of out", result.n, size.n, pre.n, post.n) ||
      !padded(check, "physical dimension 1 of out", result.h, size.h, pre.h, post.h) ||
      !padded(check, "physical dimension 2 of out", result.w, size.w, pre.w, post.w) ||
      !padded(check, "physical dimension 3 of out", result.c, size.c, pre.c, post.c)) {
    return out;
  }
  check.status(
      "arm_pad_s8",
      arm_pad_s8(
          input.const_data_ptr<int8_t>(),
          out.mutable_data_ptr<int8_t>(),
          static_cast<int8_t>(pad_value),
          &size,
          &pre,
          &post));
  return out;
}

CMOPT_OPERATOR(pad, pad_out);

} // namespace
} // namespace cmopt
