// Convolutions of int8 with weights of 4 bits.
#include "cmopt_packed.h"
#include "operators.h"

namespace cmopt {
namespace native {

// input, out: channels last. weight: two weights of [c_out, kh, kw, c_in / groups] in a byte.
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
    Tensor& out) {
  Checker check(context, "packed_conv2d", kLibrary);
  cmsis_nn_conv_params params;
  cmsis_nn_tile kernel;
  if (!check.nhwc("input", input) || !check.nhwc("out", out) || !check.int8("weight", weight) ||
      !check.tile("kernel_size", kernel_size, 1, &kernel) ||
      !check.tile("stride", stride, 1, &params.stride) ||
      !check.tile("padding", padding, 0, &params.padding) ||
      !check.tile("dilation", dilation, 1, &params.dilation) ||
      !check.input_offset("input_offset", input_offset) ||
      !check.zero_point("output_offset", output_offset) ||
      !check.activation(activation_min, activation_max)) {
    return out;
  }
  const cmsis_nn_dims input_dims = nhwc_dims(input);
  const cmsis_nn_dims output_dims = nhwc_dims(out);
  const cmsis_nn_dims sums_dims = {1, 1, 1, output_dims.c};
  if (!check.range("groups", groups, 1, input_dims.c) ||
      !check.equal("the rest of input channels in groups", input_dims.c % groups, 0) ||
      !check.equal("the rest of output channels in groups", output_dims.c % groups, 0)) {
    return out;
  }
  const cmsis_nn_dims filter_dims = {
      output_dims.c, kernel.h, kernel.w, static_cast<int32_t>(input_dims.c / groups)};
  const int64_t taps = int64_t{kernel.h} * kernel.w;
  if (!check.range("the number of taps", taps, 1, INT32_MAX) ||
      !check.range("the size of a filter", taps * filter_dims.c, 1, INT32_MAX) ||
      !check.range(
          "the number of weights", taps * filter_dims.c * output_dims.c, 1, INT32_MAX) ||
      !check.equal(
          "the number of bytes of weight",
          weight.numel(),
          (taps * filter_dims.c * output_dims.c + 1) / 2) ||
      !check.equal("the batch size of out", output_dims.n, input_dims.n) ||
      !check.window(
          input_dims, output_dims, filter_dims, params.stride, params.padding, params.dilation) ||
      !check.tensor("sums", sums, ScalarType::Int) ||
      !check.equal("the length of sums", sums.numel(), output_dims.c) ||
      !check.per_channel(requantize_multipliers, requantize_shifts, output_dims.c)) {
    return out;
  }
  params.input_offset = static_cast<int32_t>(input_offset);
  params.output_offset = static_cast<int32_t>(output_offset);
  params.activation = {
      static_cast<int32_t>(activation_min), static_cast<int32_t>(activation_max)};
  cmsis_nn_context buffer;
  if (!scratch_context(
          check,
          scratch,
          cmopt_convolve_s4_get_buffer_size(&params, &input_dims, &filter_dims, &output_dims),
          &buffer)) {
    return out;
  }
  const cmsis_nn_per_channel_quant_params quant = {
      requantize_multipliers.mutable_data_ptr<int32_t>(),
      requantize_shifts.mutable_data_ptr<int32_t>()};
  check.status(
      "cmopt_convolve_s4",
      cmopt_convolve_s4(
          &buffer,
          &params,
          &quant,
          &input_dims,
          input.const_data_ptr<int8_t>(),
          &filter_dims,
          weight.const_data_ptr<int8_t>(),
          &sums_dims,
          sums.const_data_ptr<int32_t>(),
          &output_dims,
          out.mutable_data_ptr<int8_t>()));
  return out;
}

} // namespace native
} // namespace cmopt
