#include <algorithm>

#include "common.h"
#include "registration.h"
#include "scratch.h"

namespace cmopt {
namespace {

bool check_axis(
    Checker& check,
    const char* axis,
    int64_t input,
    int64_t output,
    int64_t kernel,
    int64_t stride,
    int64_t padding,
    int64_t output_padding) {
  const int64_t expected = (input - 1) * stride - 2 * padding + kernel + output_padding;
  if (input < 1 || kernel < 1 || output < 1 || output != expected) {
    return check.fail(
        "output %s %" PRId64 " does not follow from input %" PRId64 ", kernel %" PRId64
        ", stride %" PRId64 ", padding %" PRId64 ", output padding %" PRId64,
        axis,
        output,
        input,
        kernel,
        stride,
        padding,
        output_padding);
  }
  return true;
}

// The size of the rows of sums. CMSIS-NN's own size function confuses the strides.
int64_t row_buffer_bytes(
    cmsis_nn_tile stride,
    const cmsis_nn_dims& input,
    const cmsis_nn_dims& filter,
    const cmsis_nn_dims& output) {
  const int64_t columns = int64_t{input.w - 1} * stride.w + std::max(filter.w, stride.w);
  const int64_t rows = std::max(filter.h, stride.h);
  return columns * rows * output.c * static_cast<int64_t>(sizeof(int32_t));
}

// The shapes that CMSIS-NN computes as an ordinary convolution; see dialects/cortex_m/limits.py.
bool is_reversed(const cmsis_nn_dims& input, cmsis_nn_tile stride) {
  return std::max(stride.h, stride.w) <= kReversedStride && input.c > kReversedChannels;
}

bool check_reversed(
    Checker& check,
    const cmsis_nn_transpose_conv_params& params,
    const cmsis_nn_dims& input,
    const cmsis_nn_dims& filter,
    const cmsis_nn_dims& output) {
  const cmsis_nn_tile padding = params.padding;
  if (!check.range("the padding of the height", padding.h, 0, filter.h - 1) ||
      !check.range("the padding of the width", padding.w, 0, filter.w - 1)) {
    return false;
  }
  const int64_t axes[] = {
      int64_t{input.h} * params.stride.h, int64_t{input.w} * params.stride.w, output.h, output.w};
  const int64_t longest = *std::max_element(axes, axes + 4) +
      std::max(filter.h - 1 - padding.h, filter.w - 1 - padding.w);
  return check.range("the longest axis with its padding", longest, 1, kLongestAxis) &&
      check.range("the number of channels", std::max(input.c, output.c), 1, kMostChannels) &&
      check.range("the length of a filter", int64_t{filter.h} * filter.w * filter.c, 1,
                  kLongestFilter);
}

// The shapes that CMSIS-NN's rows of sums get right; see dialects/cortex_m/limits.py. Our own
// kernels compute the others too, but a device would not.
bool check_rows(
    Checker& check,
    const cmsis_nn_transpose_conv_params& params,
    const cmsis_nn_dims& input,
    const cmsis_nn_dims& filter,
    const cmsis_nn_dims& output) {
  const cmsis_nn_tile stride = params.stride;
  const cmsis_nn_tile padding = params.padding;
  const cmsis_nn_tile more = params.padding_offsets;
  const bool right = int64_t{stride.h} + padding.h <= int64_t{filter.h} + more.h &&
      padding.h % stride.h == 0 && padding.h <= int64_t{input.h} * stride.h &&
      more.h <= int64_t{padding.h} + std::max<int32_t>(0, stride.h - filter.h) &&
      more.w <= int64_t{padding.w} + std::max<int32_t>(0, stride.w - filter.w) &&
      std::max(filter.w, stride.h) >= std::max(filter.w, stride.w);
  if (!right) {
    return check.fail(
        "CMSIS-NN is wrong for input %d x %d, kernel %d x %d, stride %d x %d, padding %d x %d, "
        "output padding %d x %d",
        input.h, input.w, filter.h, filter.w, stride.h, stride.w, padding.h, padding.w, more.h,
        more.w);
  }
  return check.range("the size of the sums", row_buffer_bytes(stride, input, filter, output), 1,
                     kMostBytes);
}

// input, out: channels last; weight: [c_out, kh, kw, c_in]; dilation 1. `scratch` and
// `output_scratch` are not used, see Scratch.
Tensor& quantized_transpose_conv2d_out(
    Context& context,
    const Tensor& input,
    const Tensor& weight,
    const std::optional<Tensor>& bias,
    IntList stride,
    IntList padding,
    IntList output_padding,
    IntList dilation,
    int64_t input_offset,
    int64_t output_offset,
    const Tensor& requantize_multipliers,
    const Tensor& requantize_shifts,
    int64_t activation_min,
    int64_t activation_max,
    const Tensor& /*scratch*/,
    const Tensor& /*output_scratch*/,
    Tensor& out) {
  Checker check(context, "quantized_transpose_conv2d");
  cmsis_nn_transpose_conv_params params;
  if (!check.nhwc("input", input) || !check.nhwc("out", out) || !check.int8("weight", weight) ||
      !check.rank("weight", weight, 4, 4) || !check.tile("stride", stride, 1, &params.stride) ||
      !check.tile("padding", padding, 0, &params.padding) ||
      !check.tile("output_padding", output_padding, 0, &params.padding_offsets) ||
      !check.tile("dilation", dilation, 1, &params.dilation) ||
      !check.equal("dilation[0]", params.dilation.h, 1) ||
      !check.equal("dilation[1]", params.dilation.w, 1) ||
      !check.input_offset("input_offset", input_offset) ||
      !check.zero_point("output_offset", output_offset) ||
      !check.activation(activation_min, activation_max)) {
    return out;
  }
  const cmsis_nn_dims input_dims = nhwc_dims(input);
  const cmsis_nn_dims filter_dims = right_aligned_dims(weight);
  const cmsis_nn_dims output_dims = nhwc_dims(out);
  const cmsis_nn_dims bias_dims = {1, 1, 1, output_dims.c};
  if (!check.equal("the batch size of out", output_dims.n, input_dims.n) ||
      !check.equal("the number of filters", filter_dims.n, output_dims.c) ||
      !check.equal("the channels of a filter", filter_dims.c, input_dims.c) ||
      !check_axis(check, "height", input_dims.h, output_dims.h, filter_dims.h, params.stride.h,
                  params.padding.h, params.padding_offsets.h) ||
      !check_axis(check, "width", input_dims.w, output_dims.w, filter_dims.w, params.stride.w,
                  params.padding.w, params.padding_offsets.w) ||
      !(is_reversed(input_dims, params.stride) ? check_reversed : check_rows)(
          check, params, input_dims, filter_dims, output_dims) ||
      !check.bias(bias, output_dims.c) ||
      !check.per_channel(requantize_multipliers, requantize_shifts, output_dims.c)) {
    return out;
  }
  params.input_offset = static_cast<int32_t>(input_offset);
  params.output_offset = static_cast<int32_t>(output_offset);
  params.activation = {
      static_cast<int32_t>(activation_min), static_cast<int32_t>(activation_max)};
  const cmsis_nn_per_channel_quant_params quant = {
      requantize_multipliers.mutable_data_ptr<int32_t>(),
      requantize_shifts.mutable_data_ptr<int32_t>()};
  Scratch buffer;
  Scratch reversed;
  if (!buffer.allocate(
          check,
          arm_transpose_conv_s8_get_buffer_size(
              &params, &input_dims, &filter_dims, &output_dims)) ||
      !reversed.allocate(
          check,
          arm_transpose_conv_s8_get_reverse_conv_buffer_size(
              &params, &input_dims, &filter_dims))) {
    return out;
  }
  const cmsis_nn_context scratch_context = buffer.context();
  const cmsis_nn_context reversed_context = reversed.context();
  check.status(
      "arm_transpose_conv_wrapper_s8",
      arm_transpose_conv_wrapper_s8(
          &scratch_context,
          &reversed_context,
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

CMOPT_OPERATOR(quantized_transpose_conv2d, quantized_transpose_conv2d_out);

} // namespace
} // namespace cmopt
