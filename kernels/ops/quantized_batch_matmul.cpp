#include "common.h"
#include "registration.h"
#include "scratch.h"

namespace cmopt {
namespace {

// lhs: [b, m, k]; rhs_transposed: [b, n, k]; out: [b, m, n]. The schema calls the operands' offsets
// zero points; they are minus the zero points. `scratch` is not used, see Scratch.
Tensor& quantized_batch_matmul_out(
    Context& context,
    const Tensor& lhs,
    int64_t lhs_offset,
    const Tensor& rhs_transposed,
    int64_t rhs_offset,
    int64_t output_zero_point,
    int64_t output_multiplier,
    int64_t output_shift,
    const Tensor& /*scratch*/,
    Tensor& out) {
  Checker check(context, "quantized_batch_matmul");
  if (!check.int8("lhs", lhs) || !check.int8("rhs_transposed", rhs_transposed) ||
      !check.int8("out", out) || !check.rank("lhs", lhs, 3, 3) ||
      !check.rank("rhs_transposed", rhs_transposed, 3, 3) || !check.rank("out", out, 3, 3) ||
      !check.equal("the batch size of rhs_transposed", rhs_transposed.size(0), lhs.size(0)) ||
      !check.equal("the inner size of rhs_transposed", rhs_transposed.size(2), lhs.size(2)) ||
      !check.equal("the batch size of out", out.size(0), lhs.size(0)) ||
      !check.equal("the rows of out", out.size(1), lhs.size(1)) ||
      !check.equal("the columns of out", out.size(2), rhs_transposed.size(1)) ||
      !check.input_offset("lhs offset", lhs_offset) ||
      !check.input_offset("rhs offset", rhs_offset) ||
      !check.zero_point("output_zero_point", output_zero_point) ||
      !check.requantization("output", output_multiplier, output_shift)) {
    return out;
  }
  const cmsis_nn_dims lhs_dims = right_aligned_dims(lhs);
  const cmsis_nn_dims rhs_dims = right_aligned_dims(rhs_transposed);
  const cmsis_nn_dims output_dims = right_aligned_dims(out);
  const cmsis_nn_bmm_params params = {
      false,
      false,
      {static_cast<int32_t>(lhs_offset),
       static_cast<int32_t>(rhs_offset),
       static_cast<int32_t>(output_zero_point),
       {INT8_MIN, INT8_MAX}}};
  const cmsis_nn_per_tensor_quant_params quant = {
      static_cast<int32_t>(output_multiplier), static_cast<int32_t>(output_shift)};
  Scratch buffer;
  if (!buffer.allocate(check, arm_fully_connected_s8_get_buffer_size(&output_dims))) {
    return out;
  }
  const cmsis_nn_context scratch_context = buffer.context();
  check.status(
      "arm_batch_matmul_s8",
      arm_batch_matmul_s8(
          &scratch_context,
          &params,
          &quant,
          &lhs_dims,
          lhs.const_data_ptr<int8_t>(),
          &rhs_dims,
          rhs_transposed.const_data_ptr<int8_t>(),
          &output_dims,
          out.mutable_data_ptr<int8_t>()));
  return out;
}

CMOPT_OPERATOR(quantized_batch_matmul, quantized_batch_matmul_out);

} // namespace
} // namespace cmopt
