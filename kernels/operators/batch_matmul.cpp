// Products of int16 matrices.
#include "operators.h"

namespace cmopt {
namespace native {

// lhs: [b, m, k]; rhs_transposed: [b, n, k]; out: [b, m, n].
Tensor& quantized_batch_matmul_out(
    Context& context,
    const Tensor& lhs,
    const Tensor& rhs_transposed,
    int64_t output_multiplier,
    int64_t output_shift,
    Tensor& out) {
  Checker check(context, "quantized_batch_matmul", kLibrary);
  if (!int16(check, "lhs", lhs) || !int16(check, "rhs_transposed", rhs_transposed) ||
      !int16(check, "out", out) || !check.rank("lhs", lhs, 3, 3) ||
      !check.rank("rhs_transposed", rhs_transposed, 3, 3) || !check.rank("out", out, 3, 3) ||
      !check.equal("the batch size of rhs_transposed", rhs_transposed.size(0), lhs.size(0)) ||
      !check.equal("the inner size of rhs_transposed", rhs_transposed.size(2), lhs.size(2)) ||
      !check.equal("the batch size of out", out.size(0), lhs.size(0)) ||
      !check.equal("the rows of out", out.size(1), lhs.size(1)) ||
      !check.equal("the columns of out", out.size(2), rhs_transposed.size(1)) ||
      !check.requantization("output", output_multiplier, output_shift) ||
      !check.range("output_shift", output_shift, -kLongestShift, 14)) {
    return out;
  }
  const cmsis_nn_dims lhs_dims = right_aligned_dims(lhs);
  const cmsis_nn_dims rhs_dims = right_aligned_dims(rhs_transposed);
  const cmsis_nn_dims output_dims = right_aligned_dims(out);
  const cmsis_nn_bmm_params params = {false, false, {0, 0, 0, {INT16_MIN, INT16_MAX}}};
  const cmsis_nn_per_tensor_quant_params quant = {
      static_cast<int32_t>(output_multiplier), static_cast<int32_t>(output_shift)};
  const cmsis_nn_context no_scratch = {nullptr, 0};
  check.status(
      "arm_batch_matmul_s16",
      arm_batch_matmul_s16(
          &no_scratch,
          &params,
          &quant,
          &lhs_dims,
          lhs.const_data_ptr<int16_t>(),
          &rhs_dims,
          rhs_transposed.const_data_ptr<int16_t>(),
          &output_dims,
          out.mutable_data_ptr<int16_t>()));
  return out;
}

} // namespace native
} // namespace cmopt
