#include "cmopt_tensor_ops.h"
#include "common.h"
#include "registration.h"

namespace cmopt {
namespace {

constexpr int64_t kEntries = 256;

// out = lut[q + 128], elementwise. Sizes may differ if the number of elements is the same.
Tensor&
quantized_activation_out(Context& context, const Tensor& input, const Tensor& lut, Tensor& out) {
  Checker check(context, "quantized_activation");
  if (!check.int8("input", input) || !check.int8("lut", lut) || !check.int8("out", out) ||
      !check.equal("the length of lut", lut.numel(), kEntries) ||
      !check.equal("the number of elements of out", out.numel(), input.numel())) {
    return out;
  }
  cmopt_lookup_s8(
      input.const_data_ptr<int8_t>(),
      static_cast<size_t>(input.numel()),
      lut.const_data_ptr<int8_t>(),
      out.mutable_data_ptr<int8_t>());
  return out;
}

CMOPT_OPERATOR(quantized_activation, quantized_activation_out);

} // namespace
} // namespace cmopt
