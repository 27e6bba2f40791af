#include "registration.h"

namespace cmopt {
namespace {

const char* kind_of(const EValue& value) {
  switch (value.tag) {
    case executorch::runtime::Tag::None:
      return "None";
    case executorch::runtime::Tag::Tensor:
      return "Tensor";
    case executorch::runtime::Tag::String:
      return "str";
    case executorch::runtime::Tag::Double:
      return "float";
    case executorch::runtime::Tag::Int:
      return "int";
    case executorch::runtime::Tag::Bool:
      return "bool";
    case executorch::runtime::Tag::ListBool:
      return "bool[]";
    case executorch::runtime::Tag::ListDouble:
      return "float[]";
    case executorch::runtime::Tag::ListInt:
      return "int[]";
    case executorch::runtime::Tag::ListTensor:
      return "Tensor[]";
    case executorch::runtime::Tag::ListOptionalTensor:
      return "Tensor?[]";
    default:
      return "unknown";
  }
}

} // namespace

void refuse_count(Context& context, const char* op, size_t expected, size_t given) {
  ET_LOG(Error, "%s: expected %zu args, received %zu", op, expected, given);
  context.fail(Error::InvalidProgram);
}

void refuse_kind(
    Context& context, const char* op, size_t index, const char* expected, const EValue& given) {
  ET_LOG(
      Error, "%s: argument %zu is %s, expected %s", op, index, kind_of(given), expected);
  context.fail(Error::InvalidProgram);
}

} // namespace cmopt
