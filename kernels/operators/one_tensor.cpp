// Functions of one tensor: tables, requantization, softmax.
#include "cmopt_tensor_ops.h"
#include "operators.h"

namespace cmopt {
namespace {

constexpr int64_t kUniformEntries = 513;
constexpr int64_t kOctaveEntries = 1282;
constexpr int64_t kLongestRow = 65535;
constexpr int64_t kLongestRequantizeShift = 16;
constexpr int64_t kLongestSoftmaxShift = 14;

} // namespace

namespace native {

Tensor& lookup_out(Context& context, const Tensor& input, const Tensor& table, Tensor& out) {
  Checker check(context, "lookup", kLibrary);
  if (!int16(check, "input", input) || !int16(check, "table", table) ||
      !int16(check, "out", out) || !check.same_sizes("input", input, "out", out)) {
    return out;
  }
  if (table.numel() != kUniformEntries && table.numel() != kOctaveEntries) {
    check.fail("table has %zd entries, expected 513 or 1282", table.numel());
    return out;
  }
  const auto lookup =
      table.numel() == kUniformEntries ? cmopt_lookup_s16 : cmopt_lookup_octaves_s16;
  lookup(
      input.const_data_ptr<int16_t>(),
      static_cast<size_t>(out.numel()),
      table.const_data_ptr<int16_t>(),
      out.mutable_data_ptr<int16_t>());
  return out;
}

Tensor& requantize_out(
    Context& context,
    const Tensor& input,
    int64_t input_zero_point,
    int64_t multiplier,
    int64_t shift,
    int64_t output_zero_point,
    int64_t activation_min,
    int64_t activation_max,
    Tensor& out) {
  Checker check(context, "requantize", kLibrary);
  if (!stored(check, "input", input) || !stored(check, "out", out) ||
      !check.same_sizes("input", input, "out", out) ||
      !value_of(check, "input_zero_point", input, input_zero_point) ||
      !check.range("multiplier", multiplier, 0, INT32_MAX) ||
      !check.range("shift", shift, -kLongestShift, kLongestRequantizeShift) ||
      !value_of(check, "output_zero_point", out, output_zero_point) ||
      !value_of(check, "activation_min", out, activation_min) ||
      !value_of(check, "activation_max", out, activation_max) ||
      !check.range("activation_min", activation_min, INT16_MIN, activation_max)) {
    return out;
  }
  const cmopt_requantization to = {
      static_cast<int32_t>(input_zero_point),
      static_cast<int32_t>(multiplier),
      static_cast<int32_t>(shift),
      static_cast<int32_t>(output_zero_point),
      static_cast<int32_t>(activation_min),
      static_cast<int32_t>(activation_max)};
  const auto count = static_cast<size_t>(out.numel());
  if (is_int8(input)) {
    const int8_t* from = input.const_data_ptr<int8_t>();
    is_int8(out) ? cmopt_requantize_s8_s8(from, count, &to, out.mutable_data_ptr<int8_t>())
                 : cmopt_requantize_s8_s16(from, count, &to, out.mutable_data_ptr<int16_t>());
  } else {
    const int16_t* from = input.const_data_ptr<int16_t>();
    is_int8(out) ? cmopt_requantize_s16_s8(from, count, &to, out.mutable_data_ptr<int8_t>())
                 : cmopt_requantize_s16_s16(from, count, &to, out.mutable_data_ptr<int16_t>());
  }
  return out;
}

Tensor& softmax_out(
    Context& context,
    const Tensor& input,
    const Tensor& table,
    int64_t input_multiplier,
    int64_t input_shift,
    Tensor& out) {
  Checker check(context, "softmax", kLibrary);
  if (!int16(check, "input", input) || !int16(check, "table", table) ||
      !int16(check, "out", out) || !check.same_sizes("input", input, "out", out) ||
      !check.rank("input", input, 1, INT32_MAX) ||
      !check.equal("the length of table", table.numel(), kUniformEntries) ||
      !check.range("input_multiplier", input_multiplier, 0, INT32_MAX) ||
      !check.range("input_shift", input_shift, -kLongestShift, kLongestSoftmaxShift) ||
      !check.range("the size of a row", input.size(input.dim() - 1), 1, kLongestRow)) {
    return out;
  }
  const auto row = static_cast<int32_t>(input.size(input.dim() - 1));
  cmopt_softmax_s16(
      input.const_data_ptr<int16_t>(),
      static_cast<int32_t>(input.numel()) / row,
      row,
      table.const_data_ptr<int16_t>(),
      static_cast<int32_t>(input_multiplier),
      static_cast<int32_t>(input_shift),
      out.mutable_data_ptr<int16_t>());
  return out;
}

} // namespace native
} // namespace cmopt
