#include "common.h"
#include "registration.h"
#include "scratch.h"

namespace cmopt {
namespace {

// input, out: channels last, batch 1 as in the stock operator; weight: [1, kh, kw, c_out] with
// c_out = c_in * depth_multiplier. `scratch` is not used, see Scratch.
Tensor& quantized_depthwise_conv2d_out(
    Context& context,
    const Tensor& input,
    const Tensor& weight,
    const std::optional<Tensor>& bias,
    IntList stride,
    IntList padding,
    IntList dilation,
    int64_t depth_multiplier,
    int64_t input_offset,
    int64_t output_offset,
    const Tensor& requantize_multipliers,
    const Tensor& requantize_shifts,
    int64_t activation_min,
    int64_t activation_max,
    const Tensor& /*scratch*/,
    Tensor& out) {
  Checker check(context, "quantized_depthwise_conv2d");
  cmsis_nn_dw_conv_params params;
  if (!check.nhwc("input", input) || !check.nhwc("out", out) || !check.int8("weight", weight) ||
      !check.rank("weight", weight, 4, 4) || !check.tile("stride", stride, 1, &params.stride) ||
      !check.tile("padding", padding, 0, &params.padding) ||
      !check.tile("dilation", dilation, 1, &params.dilation) ||
      !check.range("depth_multiplier", depth_multiplier, 1, INT32_MAX) ||
      !check.input_offset("input_offset", input_offset) ||
      !check.zero_point("output_offset", output_offset) ||
      !check.activation(activation_min, activation_max)) {
    return out;
  }
  const cmsis_nn_dims input_dims = nhwc_dims(input);
  const cmsis_nn_dims filter_dims = right_aligned_dims(weight);
  const cmsis_nn_dims output_dims = nhwc_dims(out);
  const cmsis_nn_dims bias_dims = {1, 1, 1, output_dims.c};
  if (!check.equal("the batch size", input_dims.n, 1) ||
      !check.equal("the batch size of out", output_dims.n, 1) ||
      !check.equal("dimension 0 of weight", filter_dims.n, 1) ||
      !check.equal("the number of output channels", output_dims.c,
                   input_dims.c * depth_multiplier) ||
      !check.equal("the number of filters", filter_dims.c, output_dims.c) ||
      !check.window(
          input_dims, output_dims, filter_dims, params.stride, params.padding, params.dilation) ||
      !check.counted(
          input_dims, output_dims, filter_dims, params.padding, params.dilation, true) ||
      !check.bias(bias, output_dims.c) ||
      !check.per_channel(requantize_multipliers, requantize_shifts, output_dims.c)) {
    return out;
  }
  params.input_offset = static_cast<int32_t>(input_offset);
  params.output_offset = static_cast<int32_t>(output_offset);
  params.ch_mult = static_cast<int32_t>(depth_multiplier);
  params.activation = {
      static_cast<int32_t>(activation_min), static_cast<int32_t>(activation_max)};
  const cmsis_nn_per_channel_quant_params quant = {
      requantize_multipliers.mutable_data_ptr<int32_t>(),
      requantize_shifts.mutable_data_ptr<int32_t>()};
  Scratch buffer;
  if (!buffer.allocate(
          check,
          arm_depthwise_conv_wrapper_s8_get_buffer_size(
              &params, &input_dims, &filter_dims, &output_dims))) {
    return out;
  }
  const cmsis_nn_context scratch_context = buffer.context();
  check.status(
      "arm_depthwise_conv_wrapper_s8",
      arm_depthwise_conv_wrapper_s8(
          &scratch_context,
          &params,
          &quant,
          &input_dims,
          input.const_data_ptr<int8_t>(),
          &filter_dims,
          weight.const_data_ptr<int8_t>(),
          &bias_dims,
          bias_data(bias),
          &output_dims,
          out.mutable_data_ptr<int8_t>()));
  return out;
}

CMOPT_OPERATOR(quantized_depthwise_conv2d, quantized_depthwise_conv2d_out);

} // namespace
} // namespace cmopt
