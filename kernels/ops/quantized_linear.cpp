#include <algorithm>

#include "common.h"
#include "registration.h"
#include "scratch.h"

namespace cmopt {
namespace {

// The bias, where the linked kernel reads it: in its bias argument (scalar, DSP), or added to the
// weights' row sums in the scratch (MVE). A program has the one that its target reads.
class LinearBias {
 public:
  // Computes both from the one that the program has.
  bool prepare(
      Checker& check,
      const Tensor& weights,
      const std::optional<Tensor>& bias,
      const std::optional<Tensor>& kernel_sum,
      const cmsis_nn_fc_params& params,
      const cmsis_nn_dims& filter_dims) {
    const int8_t* rows = weights.const_data_ptr<int8_t>();
    const int32_t depth = filter_dims.n;
    const int32_t outputs = filter_dims.c;
    const int64_t bytes = int64_t{outputs} * static_cast<int64_t>(sizeof(int32_t));

    bias_ = bias_data(bias);
    if (bias_ == nullptr && kernel_sum.has_value()) {
      // kernel_sum = input_offset * sum(weight + filter_offset) + bias
      if (!recovered_.allocate(check, bytes)) {
        return false;
      }
      int32_t* recovered = recovered_.data<int32_t>();
      std::fill_n(recovered, outputs, 0);
      if (!check.status(
              "arm_vector_sum_s8",
              arm_vector_sum_s8(
                  recovered,
                  depth,
                  outputs,
                  rows,
                  params.input_offset,
                  params.filter_offset,
                  nullptr))) {
        return false;
      }
      const int32_t* sums = kernel_sum->const_data_ptr<int32_t>();
      for (int32_t i = 0; i < outputs; ++i) {
        recovered[i] = static_cast<int32_t>(
            static_cast<uint32_t>(sums[i]) - static_cast<uint32_t>(recovered[i]));
      }
      bias_ = recovered;
    }

    const int32_t wanted = arm_fully_connected_s8_get_buffer_size(&filter_dims);
    if (wanted <= 0) {
      return true;
    }
    if (!sums_.allocate(check, wanted > bytes ? wanted : bytes)) {
      return false;
    }
    return check.status(
        "arm_vector_sum_s8",
        arm_vector_sum_s8(
            sums_.data<int32_t>(),
            depth,
            outputs,
            rows,
            params.input_offset,
            params.filter_offset,
            bias_));
  }

  const int32_t* bias() const { return bias_; }
  cmsis_nn_context context() const { return sums_.context(); }

 private:
  const int32_t* bias_ = nullptr;
  Scratch recovered_;
  Scratch sums_;
};

// The multiplier and the shift of the layer. A list may repeat them for each output channel.
bool uniform(
    Checker& check,
    IntList multipliers,
    IntList shifts,
    cmsis_nn_per_tensor_quant_params* quant) {
  if (multipliers.size() < 1 || shifts.size() != multipliers.size()) {
    return check.fail(
        "%zu requantize_multipliers and %zu requantize_shifts",
        multipliers.size(),
        shifts.size());
  }
  for (size_t i = 0; i < multipliers.size(); ++i) {
    if (multipliers[i] != multipliers[0] || shifts[i] != shifts[0]) {
      return check.fail("requantization differs between output channels, at %zu of %zu",
                        i, multipliers.size());
    }
  }
  if (!check.requantization("output", multipliers[0], shifts[0])) {
    return false;
  }
  *quant = {static_cast<int32_t>(multipliers[0]), static_cast<int32_t>(shifts[0])};
  return true;
}

// input: [..., k]; weights: [c_out, k]; out: [..., c_out]; all row-major, in their sizes' order.
Tensor& quantized_linear_out(
    Context& context,
    const Tensor& input,
    const Tensor& weights,
    const std::optional<Tensor>& bias,
    const std::optional<Tensor>& kernel_sum,
    int64_t input_offset,
    int64_t filter_offset,
    int64_t output_offset,
    IntList requantize_multipliers,
    IntList requantize_shifts,
    int64_t activation_max,
    int64_t activation_min,
    Tensor& out) {
  Checker check(context, "quantized_linear");
  cmsis_nn_per_tensor_quant_params quant;
  if (!check.int8("input", input) || !check.int8("weights", weights) || !check.int8("out", out) ||
      !check.rank("input", input, 1, INT32_MAX) || !check.rank("out", out, 1, INT32_MAX) ||
      !check.rank("weights", weights, 2, 2) || !check.input_offset("input_offset", input_offset) ||
      !check.input_offset("filter_offset", filter_offset) ||
      !check.zero_point("output_offset", output_offset) ||
      !check.activation(activation_min, activation_max) ||
      !uniform(check, requantize_multipliers, requantize_shifts, &quant)) {
    return out;
  }
  const auto outputs = static_cast<int32_t>(weights.size(0));
  const auto depth = static_cast<int32_t>(weights.size(1));
  if (!check.equal("the last dimension of input", input.size(input.dim() - 1), depth) ||
      !check.equal("the last dimension of out", out.size(out.dim() - 1), outputs) ||
      !check.range("the last dimension of input", depth, 1, INT32_MAX) ||
      !check.range("the last dimension of out", outputs, 1, INT32_MAX) ||
      !check.equal("the number of rows of out", out.numel() / outputs, input.numel() / depth) ||
      !check.bias(bias, outputs) ||
      (kernel_sum.has_value() &&
       (!check.tensor("kernel_sum", *kernel_sum, ScalarType::Int) ||
        !check.equal("the length of kernel_sum", kernel_sum->numel(), outputs)))) {
    return out;
  }
  const auto rows = static_cast<int32_t>(input.numel() / depth);
  const cmsis_nn_fc_params params = {
      static_cast<int32_t>(input_offset),
      static_cast<int32_t>(filter_offset),
      static_cast<int32_t>(output_offset),
      {static_cast<int32_t>(activation_min), static_cast<int32_t>(activation_max)}};
  const cmsis_nn_dims input_dims = {rows, 1, 1, depth};
  const cmsis_nn_dims filter_dims = {depth, 1, 1, outputs};
  const cmsis_nn_dims bias_dims = {1, 1, 1, outputs};
  const cmsis_nn_dims output_dims = {rows, 1, 1, outputs};
  LinearBias linear_bias;
  if (rows == 0 ||
      !linear_bias.prepare(check, weights, bias, kernel_sum, params, filter_dims)) {
    return out;
  }
  const cmsis_nn_context scratch_context = linear_bias.context();
  check.status(
      "arm_fully_connected_s8",
      arm_fully_connected_s8(
          &scratch_context,
          &params,
          &quant,
          &input_dims,
          input.const_data_ptr<int8_t>(),
          &filter_dims,
          weights.const_data_ptr<int8_t>(),
          &bias_dims,
          linear_bias.bias(),
          &output_dims,
          out.mutable_data_ptr<int8_t>()));
  return out;
}

CMOPT_OPERATOR(quantized_linear, quantized_linear_out);

} // namespace
} // namespace cmopt
