#include "common.h"

#include <algorithm>
#include <cstdio>
#include <limits>

namespace cmopt {

namespace {
constexpr int64_t kInt32Min = std::numeric_limits<int32_t>::min();
constexpr int64_t kInt32Max = std::numeric_limits<int32_t>::max();
} // namespace

bool is_channels_last(const Tensor& tensor) {
  if (tensor.dim() != 4) {
    return false;
  }
  if (tensor.size(1) == 1 || (tensor.size(2) == 1 && tensor.size(3) == 1)) {
    return true;
  }
  const auto order = tensor.dim_order();
  return order[0] == 0 && order[1] == 2 && order[2] == 3 && order[3] == 1;
}

cmsis_nn_dims nhwc_dims(const Tensor& tensor) {
  return {
      static_cast<int32_t>(tensor.size(0)),
      static_cast<int32_t>(tensor.size(2)),
      static_cast<int32_t>(tensor.size(3)),
      static_cast<int32_t>(tensor.size(1))};
}

cmsis_nn_dims right_aligned_dims(const Tensor& tensor) {
  int32_t sizes[4] = {1, 1, 1, 1};
  const int64_t rank = tensor.dim();
  for (int64_t i = 0; i < rank; ++i) {
    sizes[4 - rank + i] = static_cast<int32_t>(tensor.size(i));
  }
  return {sizes[0], sizes[1], sizes[2], sizes[3]};
}

const int32_t* bias_data(const std::optional<Tensor>& bias) {
  return bias.has_value() ? bias->const_data_ptr<int32_t>() : nullptr;
}

bool Checker::fail(const char* format, ...) {
  char message[256];
  va_list args;
  va_start(args, format);
  std::vsnprintf(message, sizeof message, format, args);
  va_end(args);
  ET_LOG(Error, "%s::%s: %s", library_, op_, message);
  context_.fail(Error::InvalidArgument);
  return false;
}

bool Checker::status(const char* function, arm_cmsis_nn_status status) {
  return status == ARM_CMSIS_NN_SUCCESS ||
      fail("%s returned status %d", function, static_cast<int>(status));
}

bool Checker::tensor(const char* name, const Tensor& tensor, ScalarType dtype) {
  if (tensor.scalar_type() != dtype) {
    return fail(
        "%s has dtype %d, expected %d",
        name,
        static_cast<int>(tensor.scalar_type()),
        static_cast<int>(dtype));
  }
  if (static_cast<int64_t>(tensor.nbytes()) > kMostBytes) {
    return fail("%s has %zu bytes, more than int32 can index", name, tensor.nbytes());
  }
  return tensor.numel() == 0 || tensor.const_data_ptr() != nullptr ||
      fail("%s has no memory", name);
}

bool Checker::rank(const char* name, const Tensor& tensor, int64_t low, int64_t high) {
  const int64_t rank = tensor.dim();
  if (rank >= low && rank <= high) {
    return true;
  }
  return low == high
      ? fail("%s has rank %" PRId64 ", expected %" PRId64, name, rank, low)
      : fail(
            "%s has rank %" PRId64 ", expected %" PRId64 " to %" PRId64, name, rank, low, high);
}

bool Checker::nhwc(const char* name, const Tensor& tensor, ScalarType dtype) {
  if (!this->tensor(name, tensor, dtype) || !rank(name, tensor, 4, 4)) {
    return false;
  }
  if (is_channels_last(tensor)) {
    return true;
  }
  const auto order = tensor.dim_order();
  return fail(
      "%s has dim order [%d, %d, %d, %d], expected [0, 2, 3, 1]",
      name,
      order[0],
      order[1],
      order[2],
      order[3]);
}

bool Checker::same_sizes(const char* a_name, const Tensor& a, const char* b_name, const Tensor& b) {
  if (a.dim() != b.dim()) {
    return fail("%s has rank %zd and %s has rank %zd", a_name, a.dim(), b_name, b.dim());
  }
  for (int64_t i = 0; i < static_cast<int64_t>(a.dim()); ++i) {
    if (a.size(i) != b.size(i)) {
      return fail(
          "dimension %" PRId64 " of %s is %" PRId64 " and of %s is %" PRId64,
          i,
          a_name,
          static_cast<int64_t>(a.size(i)),
          b_name,
          static_cast<int64_t>(b.size(i)));
    }
  }
  return true;
}

bool Checker::range(const char* name, int64_t value, int64_t low, int64_t high) {
  return (value >= low && value <= high) ||
      fail("%s is %" PRId64 ", expected %" PRId64 " to %" PRId64, name, value, low, high);
}

bool Checker::equal(const char* name, int64_t value, int64_t expected) {
  return value == expected ||
      fail("%s is %" PRId64 ", expected %" PRId64, name, value, expected);
}

bool Checker::activation(int64_t low, int64_t high) {
  return zero_point("activation_min", low) && zero_point("activation_max", high) &&
      (low <= high ||
       fail("activation_min %" PRId64 " exceeds activation_max %" PRId64, low, high));
}

bool Checker::wide_activation(int64_t low, int64_t high) {
  return range("activation_min", low, INT16_MIN, INT16_MAX) &&
      range("activation_max", high, INT16_MIN, INT16_MAX) &&
      (low <= high ||
       fail("activation_min %" PRId64 " exceeds activation_max %" PRId64, low, high));
}

bool Checker::requantization(const char* name, int64_t multiplier, int64_t shift) {
  if (multiplier <= kInt32Min || multiplier > kInt32Max || shift < -kLongestShift ||
      shift > kLongestShift) {
    return fail(
        "%s multiplier %" PRId64 " and shift %" PRId64
        " are not an int32 above its minimum and a value from -31 to 31",
        name,
        multiplier,
        shift);
  }
  return true;
}

bool Checker::per_channel(const Tensor& multipliers, const Tensor& shifts, int64_t channels) {
  if (!tensor("requantize_multipliers", multipliers, ScalarType::Int) ||
      !tensor("requantize_shifts", shifts, ScalarType::Int) ||
      !equal("the length of requantize_multipliers", multipliers.numel(), channels) ||
      !equal("the length of requantize_shifts", shifts.numel(), channels)) {
    return false;
  }
  for (int64_t c = 0; c < channels; ++c) {
    if (!requantization(
            "the output channel's",
            multipliers.const_data_ptr<int32_t>()[c],
            shifts.const_data_ptr<int32_t>()[c])) {
      return false;
    }
  }
  return true;
}

bool Checker::bias(const std::optional<Tensor>& bias, int64_t channels) {
  return !bias.has_value() ||
      (tensor("bias", *bias, ScalarType::Int) &&
       equal("the length of bias", bias->numel(), channels));
}

bool Checker::tile(const char* name, IntList list, int64_t low, cmsis_nn_tile* result) {
  if (list.size() != 2) {
    return fail("%s has %zu values, expected 2", name, list.size());
  }
  if (!range(name, list[0], low, kLongestStep) || !range(name, list[1], low, kLongestStep)) {
    return false;
  }
  *result = {static_cast<int32_t>(list[1]), static_cast<int32_t>(list[0])};
  return true;
}

bool Checker::window(
    const cmsis_nn_dims& input,
    const cmsis_nn_dims& output,
    const cmsis_nn_dims& filter,
    cmsis_nn_tile stride,
    cmsis_nn_tile padding,
    cmsis_nn_tile dilation) {
  return window_axis(
             "height", input.h, output.h, filter.h, stride.h, padding.h, dilation.h) &&
      window_axis("width", input.w, output.w, filter.w, stride.w, padding.w, dilation.w);
}

bool Checker::window_axis(
    const char* axis,
    int64_t input,
    int64_t output,
    int64_t taps,
    int64_t stride,
    int64_t padding,
    int64_t dilation) {
  const int64_t last_start = (output - 1) * stride - padding;
  const int64_t unread = input - (last_start + (taps - 1) * dilation + 1);
  if (taps >= 1 && output >= 1 && last_start < input && unread < stride) {
    return true;
  }
  return fail(
      "output %s %" PRId64 " does not follow from input %" PRId64 ", kernel %" PRId64
      ", stride %" PRId64 ", padding %" PRId64 ", dilation %" PRId64,
      axis,
      output,
      input,
      taps,
      stride,
      padding,
      dilation);
}

bool Checker::counted(
    const cmsis_nn_dims& input,
    const cmsis_nn_dims& output,
    const cmsis_nn_dims& filter,
    cmsis_nn_tile padding,
    cmsis_nn_tile dilation,
    bool depthwise) {
  const bool pointwise = !depthwise && filter.h == 1 && filter.w == 1 && padding.h == 0 &&
      padding.w == 0 && dilation.h == 1 && dilation.w == 1 && filter.c == input.c;
  if (pointwise) {
    return true;
  }
  const int64_t axes[] = {input.h, input.w, output.h, output.w};
  const int64_t longest =
      *std::max_element(axes, axes + 4) + int64_t{std::max(padding.h, padding.w)};
  const int64_t taps = int64_t{filter.h} * filter.w * (depthwise ? 1 : filter.c);
  const bool is_filter_counted = !depthwise || input.c == 1;
  return range("the longest axis with its padding", longest, 1,
               depthwise ? kLongestDepthwiseAxis : kLongestAxis) &&
      range("the number of channels", std::max(input.c, output.c), 1, kMostChannels) &&
      (!is_filter_counted || range("the length of a filter", taps, 1, kLongestFilter));
}

} // namespace cmopt
