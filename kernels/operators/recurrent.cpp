// Recurrent layers of int8.
#include <initializer_list>

#include "cmopt_recurrent.h"
#include "operators.h"

namespace cmopt {
namespace {

constexpr int64_t kGates = CMOPT_LSTM_GATES;

bool is_zero_point(Checker& check, const char* name, int64_t value) {
  return (value >= INT8_MIN && value <= INT8_MAX) ||
      check.fail("a zero point of %s is %" PRId64 ", expected -128 to 127", name, value);
}

// Each reads one entry of a list of numbers, in the order of the struct, and checks it.

bool read(Checker& check, const char* name, const int64_t* from, cmopt_lstm_layer* to) {
  *to = {
      static_cast<int32_t>(from[0]), static_cast<int32_t>(from[1]), static_cast<int32_t>(from[2])};
  return check.requantization(name, from[0], from[1]) && is_zero_point(check, name, from[2]);
}

bool read(Checker& check, const char* name, const int64_t* from, cmopt_lstm_sum* to) {
  *to = {
      static_cast<int32_t>(from[0]),
      static_cast<int32_t>(from[1]),
      static_cast<int32_t>(from[2]),
      static_cast<int32_t>(from[3]),
      static_cast<int32_t>(from[4]),
      static_cast<int32_t>(from[5]),
      static_cast<int32_t>(from[6])};
  return check.requantization(name, from[0], from[1]) &&
      check.requantization(name, from[2], from[3]) &&
      check.requantization(name, from[4], from[5]) && is_zero_point(check, name, from[6]);
}

bool read(Checker& check, const char* name, const int64_t* from, cmopt_lstm_product* to) {
  *to = {
      static_cast<int32_t>(from[0]),
      static_cast<int32_t>(from[1]),
      static_cast<int32_t>(from[2]),
      static_cast<int32_t>(from[3]),
      static_cast<int32_t>(from[4])};
  return is_zero_point(check, name, from[0]) && is_zero_point(check, name, from[1]) &&
      check.requantization(name, from[2], from[3]) && is_zero_point(check, name, from[4]);
}

// Reads `count` entries.
template <typename Entry>
bool read_list(Checker& check, const char* name, IntList list, int64_t count, Entry* entries) {
  constexpr int64_t size = sizeof(Entry) / sizeof(int32_t);
  if (static_cast<int64_t>(list.size()) != count * size) {
    return check.fail("%s has %zu numbers, expected %" PRId64, name, list.size(), count * size);
  }
  for (int64_t i = 0; i < count; ++i) {
    if (!read(check, name, list.data() + i * size, entries + i)) {
      return false;
    }
  }
  return true;
}

bool has_sizes(
    Checker& check, const char* name, const Tensor& tensor, std::initializer_list<int64_t> sizes) {
  const auto rank = static_cast<int64_t>(sizes.size());
  if (!check.rank(name, tensor, rank, rank)) {
    return false;
  }
  int64_t dim = 0;
  for (const int64_t size : sizes) {
    const int64_t given = tensor.size(dim);
    if (given != size) {
      return check.fail(
          "dimension %" PRId64 " of %s is %" PRId64 ", expected %" PRId64, dim, name, given, size);
    }
    ++dim;
  }
  return true;
}

// The sizes, which all tensors must agree on.
bool read_sizes(
    Checker& check,
    const Tensor& input,
    const Tensor& hidden,
    const Tensor& cell,
    const Tensor& out,
    const Tensor& final_cell,
    cmopt_lstm* lstm) {
  if (!check.int8("input", input) || !check.int8("initial_hidden", hidden) ||
      !check.int8("initial_cell", cell) || !check.int8("out", out) ||
      !check.int8("cell", final_cell) || !check.rank("input", input, 3, 3) ||
      !check.rank("initial_hidden", hidden, 2, 2) || !check.rank("initial_cell", cell, 2, 2) ||
      !check.rank("out", out, 2, 3)) {
    return false;
  }
  const int64_t steps = input.size(0), batch = input.size(1), units = cell.size(1);
  lstm->steps = static_cast<int32_t>(steps);
  lstm->batch = static_cast<int32_t>(batch);
  lstm->inputs = static_cast<int32_t>(input.size(2));
  lstm->state = static_cast<int32_t>(hidden.size(1));
  lstm->units = static_cast<int32_t>(units);
  lstm->keeps_all = out.dim() == 3;
  return check.range("the number of steps", steps, 1, INT32_MAX) &&
      check.range("the size of a slice of input", lstm->inputs, 1, INT32_MAX) &&
      check.range("the size of the hidden state", lstm->state, 1, INT32_MAX) &&
      check.range("the size of the cell state", units, 1, INT32_MAX / (2 * kGates)) &&
      has_sizes(check, "initial_hidden", hidden, {batch, lstm->state}) &&
      has_sizes(check, "initial_cell", cell, {batch, units}) &&
      has_sizes(check, "cell", final_cell, {batch, units}) &&
      (lstm->keeps_all ? has_sizes(check, "out", out, {steps, batch, units})
                       : has_sizes(check, "out", out, {batch, units})) &&
      (steps == 1 || check.equal("the size of the hidden state", lstm->state, units));
}

} // namespace

namespace native {

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
    Tensor& cell) {
  Checker check(context, "lstm", kLibrary);
  const std::tuple<Tensor&, Tensor&> results(out, cell);
  cmopt_lstm lstm = {};
  if (!read_sizes(check, input, initial_hidden, initial_cell, out, cell, &lstm)) {
    return results;
  }
  lstm.reverse = reverse;
  const int64_t rows = kGates * lstm.units;
  // One entry for all gates, or one for each.
  constexpr size_t layer_size = sizeof(cmopt_lstm_layer) / sizeof(int32_t);
  lstm.groups = input_layers.size() == layer_size ? 1 : kGates;
  if (!check.int8("input_weights", input_weights) ||
      !has_sizes(check, "input_weights", input_weights, {rows, lstm.inputs}) ||
      !check.int8("hidden_weights", hidden_weights) ||
      !has_sizes(check, "hidden_weights", hidden_weights, {rows, lstm.state}) ||
      !check.tensor("input_sums", input_sums, ScalarType::Int) ||
      !has_sizes(check, "input_sums", input_sums, {rows}) ||
      !check.tensor("hidden_sums", hidden_sums, ScalarType::Int) ||
      !has_sizes(check, "hidden_sums", hidden_sums, {rows}) || !check.int8("tables", tables) ||
      !has_sizes(check, "tables", tables, {CMOPT_LSTM_TABLES, 256}) ||
      !read_list(check, "input_layers", input_layers, lstm.groups, lstm.input_layers) ||
      !read_list(check, "hidden_layers", hidden_layers, lstm.groups, lstm.hidden_layers) ||
      !read_list(check, "gate_sums", gate_sums, lstm.groups, lstm.gate_sums) ||
      !read_list(check, "forget_product", forget_product, 1, &lstm.forget_product) ||
      !read_list(check, "input_product", input_product, 1, &lstm.input_product) ||
      !read_list(check, "cell_sum", cell_sum, 1, &lstm.cell_sum) ||
      !read_list(check, "output_product", output_product, 1, &lstm.output_product)) {
    return results;
  }
  cmsis_nn_context working;
  if (!scratch_context(check, scratch, cmopt_lstm_s8_get_buffer_size(&lstm), &working)) {
    return results;
  }
  lstm.input_weights = input_weights.const_data_ptr<int8_t>();
  lstm.input_sums = input_sums.const_data_ptr<int32_t>();
  lstm.hidden_weights = hidden_weights.const_data_ptr<int8_t>();
  lstm.hidden_sums = hidden_sums.const_data_ptr<int32_t>();
  lstm.tables = tables.const_data_ptr<int8_t>();
  check.status(
      "cmopt_lstm_s8",
      cmopt_lstm_s8(
          &working,
          &lstm,
          input.const_data_ptr<int8_t>(),
          initial_hidden.const_data_ptr<int8_t>(),
          initial_cell.const_data_ptr<int8_t>(),
          out.mutable_data_ptr<int8_t>(),
          cell.mutable_data_ptr<int8_t>()));
  return results;
}

} // namespace native
} // namespace cmopt
