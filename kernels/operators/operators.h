// The operators of this project: see kernels/operators.yaml. int16 activations have no zero points.
//
// They use no heap: working memory is the tensor `scratch`. As those of kernels/ops, they check their
// arguments, and fail the call instead of touching memory outside their tensors.
#pragma once

#include <tuple>

#include "../ops/common.h"

namespace cmopt {
namespace native {

using Tensor = executorch::aten::Tensor;

Tensor& layer_norm_out(
    Context& context,
    const Tensor& input,
    const Tensor& weight,
    const Tensor& bias,
    int64_t row,
    bool centered,
    int64_t input_zero_point,
    int64_t epsilon_multiplier,
    int64_t epsilon_shift,
    int64_t fraction_bits,
    int64_t activation_min,
    int64_t activation_max,
    Tensor& out);

Tensor& lookup_out(Context& context, const Tensor& input, const Tensor& table, Tensor& out);

std::tuple<Tensor&, Tensor&> lstm_out(
    Context& context,
    const Tensor& input,
    const Tensor& initial_hidden,
    const Tensor& initial_cell,
    const Tensor& input_weights,
    const Tensor& input_sums,
    const Tensor& hidden_weights,
    const Tensor& hidden_sums,
    const Tensor& tables,
    IntList input_layers,
    IntList hidden_layers,
    IntList gate_sums,
    IntList forget_product,
    IntList input_product,
    IntList cell_sum,
    IntList output_product,
    bool reverse,
    const Tensor& scratch,
    Tensor& out,
    Tensor& cell);

Tensor& packed_conv2d_out(
    Context& context,
    const Tensor& input,
    const Tensor& weight,
    const Tensor& sums,
    IntList kernel_size,
    int64_t groups,
    IntList stride,
    IntList padding,
    IntList dilation,
    int64_t input_offset,
    int64_t output_offset,
    const Tensor& requantize_multipliers,
    const Tensor& requantize_shifts,
    int64_t activation_min,
    int64_t activation_max,
    const Tensor& scratch,
    Tensor& out);

Tensor& quantized_add_out(
    Context& context,
    const Tensor& self,
    int64_t self_multiplier,
    int64_t self_shift,
    const Tensor& other,
    int64_t other_multiplier,
    int64_t other_shift,
    int64_t output_multiplier,
    int64_t output_shift,
    int64_t activation_min,
    int64_t activation_max,
    Tensor& out);

Tensor& quantized_avg_pool2d_out(
    Context& context,
    const Tensor& input,
    IntList kernel_size,
    IntList stride,
    IntList padding,
    int64_t activation_min,
    int64_t activation_max,
    const Tensor& scratch,
    Tensor& out);

Tensor& quantized_batch_matmul_out(
    Context& context,
    const Tensor& lhs,
    const Tensor& rhs_transposed,
    int64_t output_multiplier,
    int64_t output_shift,
    Tensor& out);

Tensor& quantized_conv2d_out(
    Context& context,
    const Tensor& input,
    const Tensor& weight,
    const Tensor& bias,
    IntList stride,
    IntList padding,
    IntList dilation,
    const Tensor& requantize_multipliers,
    const Tensor& requantize_shifts,
    int64_t activation_min,
    int64_t activation_max,
    const Tensor& scratch,
    Tensor& out);

Tensor& quantized_depthwise_conv2d_out(
    Context& context,
    const Tensor& input,
    const Tensor& weight,
    const Tensor& bias,
    IntList stride,
    IntList padding,
    IntList dilation,
    int64_t depth_multiplier,
    const Tensor& requantize_multipliers,
    const Tensor& requantize_shifts,
    int64_t activation_min,
    int64_t activation_max,
    const Tensor& scratch,
    Tensor& out);

Tensor& quantized_hypot_out(
    Context& context,
    const Tensor& self,
    const Tensor& other,
    int64_t output_multiplier,
    int64_t output_shift,
    Tensor& out);

Tensor& quantized_max_pool2d_out(
    Context& context,
    const Tensor& input,
    IntList kernel_size,
    IntList stride,
    IntList padding,
    int64_t activation_min,
    int64_t activation_max,
    Tensor& out);

Tensor& quantized_mul_out(
    Context& context,
    const Tensor& self,
    const Tensor& other,
    int64_t output_multiplier,
    int64_t output_shift,
    int64_t activation_min,
    int64_t activation_max,
    Tensor& out);

Tensor& requantize_out(
    Context& context,
    const Tensor& input,
    int64_t input_zero_point,
    int64_t multiplier,
    int64_t shift,
    int64_t output_zero_point,
    int64_t activation_min,
    int64_t activation_max,
    Tensor& out);

Tensor& softmax_out(
    Context& context,
    const Tensor& input,
    const Tensor& table,
    int64_t input_multiplier,
    int64_t input_shift,
    Tensor& out);

} // namespace native

// The library's name in messages.
constexpr const char* kLibrary = "cmopt";

inline bool int16(Checker& check, const char* name, const Tensor& tensor) {
  return check.tensor(name, tensor, ScalarType::Short);
}

inline bool is_int8(const Tensor& tensor) {
  return tensor.scalar_type() == ScalarType::Char;
}

// int8 or int16, and a number that is one of its values.
inline bool stored(Checker& check, const char* name, const Tensor& tensor) {
  return is_int8(tensor) ? check.int8(name, tensor) : int16(check, name, tensor);
}

inline bool value_of(Checker& check, const char* name, const Tensor& tensor, int64_t value) {
  return is_int8(tensor) ? check.range(name, value, INT8_MIN, INT8_MAX)
                         : check.range(name, value, INT16_MIN, INT16_MAX);
}

// Working memory that is planned for one call, if it has as many bytes as the linked kernels need.
inline bool
scratch_context(Checker& check, const Tensor& scratch, int64_t needed, cmsis_nn_context* context) {
  if (!check.int8("scratch", scratch) ||
      !check.range("the size of scratch", scratch.numel(), needed, INT32_MAX)) {
    return false;
  }
  *context = {scratch.mutable_data_ptr<int8_t>(), static_cast<int32_t>(scratch.numel())};
  return true;
}

} // namespace cmopt
