#include <algorithm>
#include <cstring>

#include "common.h"
#include "registration.h"

namespace cmopt {
namespace {

// Whether the kernel for matrices takes this many rows and columns on every instruction set.
bool check_matrix(Checker& check, int64_t rows, int64_t columns) {
  const int64_t gathered = (std::min(rows, kGatheredRows) - 1) * columns;
  return check.range("the number of rows", rows, 0, kLongestMatrixAxis) &&
      check.range("the number of columns", columns, 0, kLongestMatrixAxis) &&
      check.range("the offset of a gathered row", gathered, -columns, kLongestMatrixAxis);
}

// Dimension k of out is dimension perm[k] of the input. Sizes count as physical.
Tensor& transpose_out(Context& context, const Tensor& input, IntList perm, Tensor& out) {
  Checker check(context, "transpose");
  if (!check.int8("input", input) || !check.int8("out", out) ||
      !check.rank("input", input, 1, kMostRank) || !check.rank("out", out, input.dim(), input.dim()) ||
      !check.equal("the length of perm", static_cast<int64_t>(perm.size()), input.dim())) {
    return out;
  }
  const auto rank = static_cast<int32_t>(input.dim());
  int32_t in_sizes[4] = {1, 1, 1, 1};
  int32_t out_sizes[4] = {1, 1, 1, 1};
  uint32_t axes[4] = {0, 1, 2, 3};
  bool used[4] = {};
  bool identity = true;
  for (int32_t i = 0; i < rank; ++i) {
    const int64_t axis = perm[i];
    if (!check.range("a value of perm", axis, 0, rank - 1)) {
      return out;
    }
    if (used[axis]) {
      check.fail("perm names dimension %" PRId64 " twice", axis);
      return out;
    }
    used[axis] = true;
    identity = identity && axis == i;
    axes[i] = static_cast<uint32_t>(axis);
    in_sizes[i] = static_cast<int32_t>(input.size(i));
    out_sizes[i] = static_cast<int32_t>(out.size(i));
    if (!check.equal("a size of out", out.size(i), input.size(axis))) {
      return out;
    }
  }
  // CMSIS-NN swaps two dimensions for every perm.
  if (identity) {
    std::memmove(out.mutable_data_ptr<int8_t>(), input.const_data_ptr<int8_t>(), input.nbytes());
    return out;
  }
  // The kernel for matrices counts in 16 bits. Rank 3 uses another kernel.
  const bool is_matrix = rank == 2 || (rank == 4 && axes[0] == 0 && axes[1] == 1);
  if (is_matrix && !check_matrix(check, in_sizes[rank - 2], in_sizes[rank - 1])) {
    return out;
  }
  const cmsis_nn_dims input_dims = {in_sizes[0], in_sizes[1], in_sizes[2], in_sizes[3]};
  const cmsis_nn_dims output_dims = {out_sizes[0], out_sizes[1], out_sizes[2], out_sizes[3]};
  const cmsis_nn_transpose_params params = {rank, axes};
  check.status(
      "arm_transpose_s8",
      arm_transpose_s8(
          input.const_data_ptr<int8_t>(),
          out.mutable_data_ptr<int8_t>(),
          &input_dims,
          &output_dims,
          &params));
  return out;
}

CMOPT_OPERATOR(transpose, transpose_out);

} // namespace
} // namespace cmopt
