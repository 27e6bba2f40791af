#include "common.h"
#include "registration.h"

namespace cmopt {
namespace {

constexpr int64_t kOutputZeroPoint = -128;

// Softmax over the last dimension of a row-major tensor. The output has scale 1/256 and zero point
// -128. The result does not depend on the input's zero point.
Tensor& softmax_out(
    Context& context,
    const Tensor& input,
    int64_t dim,
    int64_t /*input_zero_point*/,
    int64_t output_zero_point,
    int64_t input_multiplier,
    int64_t input_shift,
    int64_t diff_min,
    Tensor& out) {
  Checker check(context, "softmax");
  if (!check.int8("input", input) || !check.int8("out", out) ||
      !check.same_sizes("input", input, "out", out) ||
      !check.rank("input", input, 1, INT32_MAX)) {
    return out;
  }
  const int64_t last = input.dim() - 1;
  if (!check.equal("dim", dim < 0 ? dim + input.dim() : dim, last) ||
      !check.equal("output_zero_point", output_zero_point, kOutputZeroPoint) ||
      !check.requantization("input", input_multiplier, input_shift) ||
      !check.range("input_shift", input_shift, 0, kLongestShift) ||
      !check.range("diff_min", diff_min, INT32_MIN, INT32_MAX) ||
      !check.range("the size of a row", input.size(last), 1, kLongestSoftmax)) {
    return out;
  }
  const auto row = static_cast<int32_t>(input.size(last));
  arm_softmax_s8(
      input.const_data_ptr<int8_t>(),
      static_cast<int32_t>(input.numel()) / row,
      row,
      static_cast<int32_t>(input_multiplier),
      static_cast<int32_t>(input_shift),
      static_cast<int32_t>(diff_min),
      out.mutable_data_ptr<int8_t>());
  return out;
}

CMOPT_OPERATOR(softmax, softmax_out);

} // namespace
} // namespace cmopt
