// What every operator shares: argument checks, and CMSIS-NN dims of tensors.
//
// If an operator cannot compute its result for its arguments, it logs one line with its name and
// the wrong values, marks the kernel call as failed, and returns. It never touches memory outside
// its tensors, and never aborts the process.
#pragma once

#include <cinttypes>
#include <cstdarg>
#include <cstdint>
#include <optional>

#include <executorch/runtime/core/evalue.h>
#include <executorch/runtime/kernel/kernel_includes.h>

#include "arm_nnfunctions.h"
#include "limits.h"

namespace cmopt {

using Tensor = executorch::aten::Tensor;
using ScalarType = executorch::aten::ScalarType;
using IntList = executorch::aten::ArrayRef<int64_t>;
using Context = executorch::runtime::KernelRuntimeContext;
using Error = executorch::runtime::Error;

// Whether the bytes of a 4-D tensor with NCHW sizes are in NHWC order. As in the stock operators,
// a tensor with one channel or one pixel has any dim order.
bool is_channels_last(const Tensor& tensor);

// {n, h, w, c} of a channels-last tensor.
cmsis_nn_dims nhwc_dims(const Tensor& tensor);

// The sizes in their order, right-aligned to four; rank <= 4.
cmsis_nn_dims right_aligned_dims(const Tensor& tensor);

// The bias as CMSIS-NN takes it: null if there is none.
const int32_t* bias_data(const std::optional<Tensor>& bias);

// Checks the arguments of one kernel call. Every method returns true if the argument is valid.
// Otherwise it logs a line, fails the call, and returns false.
class Checker {
 public:
  // op: its name in messages. library: that of its operator library.
  Checker(Context& context, const char* op, const char* library = "cortex_m")
      : context_(context), op_(op), library_(library) {}

  // Reports a violated condition that has no method here. Always returns false.
  bool fail(const char* format, ...) __attribute__((format(printf, 2, 3)));

  // A CMSIS-NN call must have succeeded.
  bool status(const char* function, arm_cmsis_nn_status status);

  // A tensor of the element type, with byte offsets that fit int32.
  bool tensor(const char* name, const Tensor& tensor, ScalarType dtype);
  bool int8(const char* name, const Tensor& t) { return tensor(name, t, ScalarType::Char); }
  bool rank(const char* name, const Tensor& tensor, int64_t low, int64_t high);
  // int8, or another element type, 4-D and channels last.
  bool nhwc(const char* name, const Tensor& tensor, ScalarType dtype = ScalarType::Char);
  bool same_sizes(const char* a_name, const Tensor& a, const char* b_name, const Tensor& b);

  bool range(const char* name, int64_t value, int64_t low, int64_t high);
  bool equal(const char* name, int64_t value, int64_t expected);
  // Minus the zero point of an int8 tensor, and the zero point itself.
  bool input_offset(const char* name, int64_t value) { return range(name, value, -127, 128); }
  bool zero_point(const char* name, int64_t value) { return range(name, value, -128, 127); }
  bool activation(int64_t low, int64_t high);
  // The bounds of an int16 result.
  bool wide_activation(int64_t low, int64_t high);
  bool requantization(const char* name, int64_t multiplier, int64_t shift);

  // int32 multipliers and shifts, one per channel.
  bool per_channel(const Tensor& multipliers, const Tensor& shifts, int64_t channels);
  // int32, one per channel, or absent.
  bool bias(const std::optional<Tensor>& bias, int64_t channels);

  // A (height, width) list with both values in [low, kLongestStep].
  bool tile(const char* name, IntList list, int64_t low, cmsis_nn_tile* result);

  // The output size of a sliding window along both axes. The output size determines how far
  // CMSIS-NN pads at the end. An output is valid if its last window starts inside the input and
  // fewer than `stride` input positions remain unread.
  bool window(
      const cmsis_nn_dims& input,
      const cmsis_nn_dims& output,
      const cmsis_nn_dims& filter,
      cmsis_nn_tile stride,
      cmsis_nn_tile padding,
      cmsis_nn_tile dilation);

  // The sizes that convolution functions count in 16 bits; see dialects/cortex_m/limits.py.
  bool counted(
      const cmsis_nn_dims& input,
      const cmsis_nn_dims& output,
      const cmsis_nn_dims& filter,
      cmsis_nn_tile padding,
      cmsis_nn_tile dilation,
      bool depthwise);

 private:
  bool window_axis(
      const char* axis,
      int64_t input,
      int64_t output,
      int64_t taps,
      int64_t stride,
      int64_t padding,
      int64_t dilation);

  Context& context_;
  const char* op_;
  const char* library_;
};

} // namespace cmopt
