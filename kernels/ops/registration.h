// Registration of the operators with ExecuTorch's runtime, in the form that a device build has.
//
// A device build registers generated wrappers (executorch/codegen/gen.py). A wrapper takes one
// EValue for each argument of the schema and one for the returned value. If their number differs,
// it fails the call with InvalidProgram. If the kind of an EValue differs from the schema's, the
// wrapper ends the program. Here the call fails in both cases, with a line about the argument.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include <executorch/runtime/kernel/operator_registry.h>

#include "common.h"

namespace cmopt {

using EValue = executorch::runtime::EValue;
using Stack = executorch::runtime::Span<EValue*>;

// How an argument of C++ type T is read from an EValue: `kind` is its name in the schema, `fits`
// says whether an EValue is of that kind, and `get` reads an EValue of that kind.
template <typename T>
struct Argument;

template <>
struct Argument<const Tensor&> {
  static constexpr const char* kind = "Tensor";
  static bool fits(const EValue& value) { return value.isTensor(); }
  static const Tensor& get(EValue& value) { return value.toTensor(); }
};

template <>
struct Argument<Tensor&> {
  static constexpr const char* kind = "Tensor";
  static bool fits(const EValue& value) { return value.isTensor(); }
  static Tensor& get(EValue& value) { return value.toTensor(); }
};

template <>
struct Argument<const std::optional<Tensor>&> {
  static constexpr const char* kind = "Tensor?";
  static bool fits(const EValue& value) { return value.isTensor() || value.isNone(); }
  static std::optional<Tensor> get(EValue& value) { return value.toOptional<Tensor>(); }
};

template <>
struct Argument<int64_t> {
  static constexpr const char* kind = "int";
  static bool fits(const EValue& value) { return value.isInt(); }
  static int64_t get(EValue& value) { return value.toInt(); }
};

template <>
struct Argument<double> {
  static constexpr const char* kind = "float";
  static bool fits(const EValue& value) { return value.isDouble(); }
  static double get(EValue& value) { return value.toDouble(); }
};

template <>
struct Argument<bool> {
  static constexpr const char* kind = "bool";
  static bool fits(const EValue& value) { return value.isBool(); }
  static bool get(EValue& value) { return value.toBool(); }
};

template <>
struct Argument<ScalarType> {
  static constexpr const char* kind = "ScalarType";
  static bool fits(const EValue& value) { return value.isInt(); }
  static ScalarType get(EValue& value) { return value.to<ScalarType>(); }
};

template <>
struct Argument<IntList> {
  static constexpr const char* kind = "int[]";
  static bool fits(const EValue& value) { return value.isIntList(); }
  static IntList get(EValue& value) { return value.toIntList(); }
};

// Logs one line about a call of `op` with `given` EValues, and fails the call.
void refuse_count(Context& context, const char* op, size_t expected, size_t given);

// Logs one line about argument `index` of a call of `op`, and fails the call.
void refuse_kind(
    Context& context, const char* op, size_t index, const char* expected, const EValue& given);

template <const char* name, typename Function>
struct Wrapper;

// Result: Tensor&, or a tuple of them.
template <const char* name, typename Result, typename... Args>
struct Wrapper<name, Result (*)(Context&, Args...)> {
  using Function = Result (*)(Context&, Args...);

  // The kernel call in the runtime's form: unpacks every EValue and calls `function`.
  template <Function function>
  static void call(Context& context, Stack stack) {
    checked<function>(context, stack, std::index_sequence_for<Args...>());
  }

 private:
  template <Function function, size_t... index>
  static void checked(Context& context, Stack stack, std::index_sequence<index...>) {
    constexpr size_t expected = sizeof...(Args) + 1; // the returned value
    if (stack.size() != expected) {
      refuse_count(context, name, expected, stack.size());
      return;
    }
    const bool fits =
        (... && (Argument<Args>::fits(*stack[index]) || refused<Args>(context, index, *stack[index])));
    if (fits) {
      function(context, Argument<Args>::get(*stack[index])...);
    }
  }

  // Always false.
  template <typename Arg>
  static bool refused(Context& context, size_t index, const EValue& given) {
    refuse_kind(context, name, index, Argument<Arg>::kind, given);
    return false;
  }
};

} // namespace cmopt

// Registers `function` as `library::name.out`, once, when the library is loaded.
#define CMOPT_REGISTER(library, name, function)                                                \
  constexpr char name##_operator[] = #library "::" #name;                                      \
  [[maybe_unused]] const auto name##_registered =                                              \
      executorch::runtime::register_kernel(executorch::runtime::Kernel(                        \
          #library "::" #name ".out",                                                          \
          Wrapper<name##_operator, decltype(&function)>::call<function>))

#define CMOPT_OPERATOR(name, function) CMOPT_REGISTER(cortex_m, name, function)
