// Convolutions of int16 activations.
#include "cmopt_tensor_ops.h"
#include "operators.h"

namespace cmopt {
namespace {

struct Geometry {
  cmsis_nn_dims input;
  cmsis_nn_dims filter;
  cmsis_nn_dims output;
  cmsis_nn_tile stride;
  cmsis_nn_tile padding;
  cmsis_nn_tile dilation;
  cmsis_nn_activation activation;
};

struct Arguments {
  const Tensor& input;
  const Tensor& weight;
  const Tensor& bias;
  IntList stride;
  IntList padding;
  IntList dilation;
  const Tensor& multipliers;
  const Tensor& shifts;
  int64_t activation_min;
  int64_t activation_max;
  const Tensor& out;
};

// Shifts above this are not defined for sums of 64 bits.
constexpr int32_t kLongestWideShift = 14;

bool shifts_fit(Checker& check, const Tensor& shifts) {
  for (int64_t c = 0; c < static_cast<int64_t>(shifts.numel()); ++c) {
    if (!check.range(
            "the output channel's shift",
            shifts.const_data_ptr<int32_t>()[c],
            -kLongestShift,
            kLongestWideShift)) {
      return false;
    }
  }
  return true;
}

// Checks all that the convolutions share, and fills in the geometry.
bool prepare(Checker& check, const Arguments& a, bool depthwise, Geometry* g) {
  if (!check.nhwc("input", a.input, ScalarType::Short) ||
      !check.nhwc("out", a.out, ScalarType::Short) || !check.rank("weight", a.weight, 4, 4) ||
      !check.tile("stride", a.stride, 1, &g->stride) ||
      !check.tile("padding", a.padding, 0, &g->padding) ||
      !check.tile("dilation", a.dilation, 1, &g->dilation) ||
      !check.wide_activation(a.activation_min, a.activation_max)) {
    return false;
  }
  g->input = nhwc_dims(a.input);
  g->filter = right_aligned_dims(a.weight);
  g->output = nhwc_dims(a.out);
  g->activation = {
      static_cast<int32_t>(a.activation_min), static_cast<int32_t>(a.activation_max)};
  const bool is_long = a.bias.scalar_type() == ScalarType::Long;
  return check.equal("the batch size of out", g->output.n, g->input.n) &&
      check.window(g->input, g->output, g->filter, g->stride, g->padding, g->dilation) &&
      check.counted(g->input, g->output, g->filter, g->padding, g->dilation, depthwise) &&
      check.tensor("bias", a.bias, is_long ? ScalarType::Long : ScalarType::Int) &&
      check.equal("the length of bias", a.bias.numel(), g->output.c) &&
      check.per_channel(a.multipliers, a.shifts, g->output.c) &&
      (!is_long || shifts_fit(check, a.shifts));
}

cmsis_nn_per_channel_quant_params quantization(const Arguments& a) {
  return {a.multipliers.mutable_data_ptr<int32_t>(), a.shifts.mutable_data_ptr<int32_t>()};
}

void convolve_with_wide_weights(const Arguments& a, const Geometry& g, Tensor& out) {
  const cmopt_convolution_s16 convolution = {
      g.input.n,   g.input.h,    g.input.w,   g.input.c,      g.filter.h,   g.filter.w,
      g.output.h,  g.output.w,   g.output.c,  g.stride.h,     g.stride.w,   g.padding.h,
      g.padding.w, g.dilation.h, g.dilation.w, g.activation.min, g.activation.max};
  cmopt_convolve_s16_s16(
      a.input.const_data_ptr<int16_t>(),
      a.weight.const_data_ptr<int16_t>(),
      a.bias.const_data_ptr<int64_t>(),
      a.multipliers.const_data_ptr<int32_t>(),
      a.shifts.const_data_ptr<int32_t>(),
      &convolution,
      out.mutable_data_ptr<int16_t>());
}

} // namespace

namespace native {

// weight: [c_out, kh, kw, c_in], int8 or int16. An int32 bias makes sums of 32 bits.
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
    Tensor& out) {
  Checker check(context, "quantized_conv2d", kLibrary);
  const Arguments a = {
      input, weight, bias, stride, padding, dilation, requantize_multipliers, requantize_shifts,
      activation_min, activation_max, out};
  Geometry g;
  if (!prepare(check, a, false, &g) ||
      !check.equal("the number of filters", g.filter.n, g.output.c) ||
      !check.equal("the number of input channels", g.input.c, g.filter.c)) {
    return out;
  }
  if (weight.scalar_type() == ScalarType::Short) {
    if (int16(check, "weight", weight) && check.tensor("bias", bias, ScalarType::Long)) {
      convolve_with_wide_weights(a, g, out);
    }
    return out;
  }
  const cmsis_nn_conv_params params = {0, 0, g.stride, g.padding, g.dilation, g.activation};
  const cmsis_nn_per_channel_quant_params quant = quantization(a);
  const cmsis_nn_bias_data sums = {
      bias.const_data_ptr(), bias.scalar_type() == ScalarType::Int};
  const cmsis_nn_dims bias_dims = {1, 1, 1, g.output.c};
  cmsis_nn_context buffer;
  if (!check.int8("weight", weight) ||
      !scratch_context(
          check,
          scratch,
          arm_convolve_wrapper_s16_get_buffer_size(&params, &g.input, &g.filter, &g.output),
          &buffer)) {
    return out;
  }
  check.status(
      "arm_convolve_wrapper_s16",
      arm_convolve_wrapper_s16(
          &buffer,
          &params,
          &quant,
          &g.input,
          input.const_data_ptr<int16_t>(),
          &g.filter,
          weight.const_data_ptr<int8_t>(),
          &bias_dims,
          &sums,
          &g.output,
          out.mutable_data_ptr<int16_t>()));
  return out;
}

// weight: [1, kh, kw, c_out]; sums of 64 bits.
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
    Tensor& out) {
  Checker check(context, "quantized_depthwise_conv2d", kLibrary);
  const Arguments a = {
      input, weight, bias, stride, padding, dilation, requantize_multipliers, requantize_shifts,
      activation_min, activation_max, out};
  Geometry g;
  if (!prepare(check, a, true, &g) || !check.int8("weight", weight) ||
      !check.tensor("bias", bias, ScalarType::Long) ||
      !check.equal("the batch size", g.input.n, 1) ||
      !check.equal("the first size of weight", g.filter.n, 1) ||
      !check.equal("the number of filters", g.filter.c, g.output.c) ||
      !check.range("depth_multiplier", depth_multiplier, 1, kMostChannels) ||
      !check.equal("the number of output channels", g.output.c, g.input.c * depth_multiplier)) {
    return out;
  }
  const cmsis_nn_dw_conv_params params = {
      0, 0, static_cast<int32_t>(depth_multiplier), g.stride, g.padding, g.dilation,
      g.activation};
  const cmsis_nn_per_channel_quant_params quant = quantization(a);
  const cmsis_nn_dims bias_dims = {1, 1, 1, g.output.c};
  cmsis_nn_context buffer;
  if (!scratch_context(
          check,
          scratch,
          arm_depthwise_conv_wrapper_s16_get_buffer_size(&params, &g.input, &g.filter, &g.output),
          &buffer)) {
    return out;
  }
  check.status(
      "arm_depthwise_conv_wrapper_s16",
      arm_depthwise_conv_wrapper_s16(
          &buffer,
          &params,
          &quant,
          &g.input,
          input.const_data_ptr<int16_t>(),
          &g.filter,
          weight.const_data_ptr<int8_t>(),
          &bias_dims,
          bias.const_data_ptr<int64_t>(),
          &g.output,
          out.mutable_data_ptr<int16_t>()));
  return out;
}

} // namespace native
} // namespace cmopt
