// Norms of rows of int8 or int16.
#include "cmopt_tensor_ops.h"
#include "operators.h"

namespace cmopt {
namespace {

// N times the range of an element has 31 bits.
constexpr int64_t kLongestInt8Row = 1 << 23;
constexpr int64_t kLongestInt16Row = 1 << 15;
constexpr int64_t kLongestEpsilonShift = 96;
constexpr int64_t kMostFractionBits = 24;

// int32, one for each element of a row or one for all.
bool parameter(Checker& check, const char* name, const Tensor& tensor, int64_t row) {
  if (!check.tensor(name, tensor, ScalarType::Int)) {
    return false;
  }
  return tensor.numel() == 1 || tensor.numel() == row ||
      check.fail("%s has %zd entries, expected %" PRId64 " or 1", name, tensor.numel(), row);
}

} // namespace

namespace native {

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
    Tensor& out) {
  Checker check(context, "layer_norm", kLibrary);
  if (!stored(check, "input", input) || !stored(check, "out", out) ||
      !check.same_sizes("input", input, "out", out) ||
      !check.range("row", row, 1, is_int8(input) ? kLongestInt8Row : kLongestInt16Row) ||
      !parameter(check, "weight", weight, row) || !parameter(check, "bias", bias, row) ||
      !value_of(check, "input_zero_point", input, input_zero_point) ||
      !check.range("epsilon_multiplier", epsilon_multiplier, 0, INT32_MAX) ||
      !check.range("epsilon_shift", epsilon_shift, -kLongestEpsilonShift, kLongestEpsilonShift) ||
      !check.range("fraction_bits", fraction_bits, 1, kMostFractionBits) ||
      !value_of(check, "activation_min", out, activation_min) ||
      !value_of(check, "activation_max", out, activation_max) ||
      !check.range("activation_min", activation_min, INT16_MIN, activation_max)) {
    return out;
  }
  if (input.numel() % row != 0) {
    check.fail("input has %zd elements, which do not make up rows of %" PRId64, input.numel(), row);
    return out;
  }
  const cmopt_norm norm = {
      static_cast<int32_t>(row),
      centered,
      static_cast<int32_t>(input_zero_point),
      static_cast<int32_t>(epsilon_multiplier),
      static_cast<int32_t>(epsilon_shift),
      weight.const_data_ptr<int32_t>(),
      weight.numel() == 1 ? 0 : 1,
      bias.const_data_ptr<int32_t>(),
      bias.numel() == 1 ? 0 : 1,
      static_cast<int32_t>(fraction_bits),
      static_cast<int32_t>(activation_min),
      static_cast<int32_t>(activation_max)};
  const auto rows = static_cast<int32_t>(input.numel() / row);
  if (is_int8(input)) {
    const int8_t* from = input.const_data_ptr<int8_t>();
    is_int8(out) ? cmopt_layer_norm_s8_s8(from, rows, &norm, out.mutable_data_ptr<int8_t>())
                 : cmopt_layer_norm_s8_s16(from, rows, &norm, out.mutable_data_ptr<int16_t>());
  } else {
    const int16_t* from = input.const_data_ptr<int16_t>();
    is_int8(out) ? cmopt_layer_norm_s16_s8(from, rows, &norm, out.mutable_data_ptr<int8_t>())
                 : cmopt_layer_norm_s16_s16(from, rows, &norm, out.mutable_data_ptr<int16_t>());
  }
  return out;
}

} // namespace native
} // namespace cmopt
