#include "elementwise.h"
#include "registration.h"

namespace cmopt {
namespace {

Tensor& quantized_mul_out(
    Context& context,
    const Tensor& self,
    int64_t self_zero_point,
    const Tensor& other,
    int64_t other_zero_point,
    int64_t output_zero_point,
    int64_t output_multiplier,
    int64_t output_shift,
    Tensor& out) {
  Checker check(context, "quantized_mul");
  BlockPlan plan;
  if (!plan_blocks(check, self, other, out, &plan) ||
      !check.zero_point("self_zero_point", self_zero_point) ||
      !check.zero_point("other_zero_point", other_zero_point) ||
      !check.zero_point("output_zero_point", output_zero_point) ||
      !check.requantization("output", output_multiplier, output_shift)) {
    return out;
  }
  const int8_t* wide = self.const_data_ptr<int8_t>();
  const int8_t* narrow = other.const_data_ptr<int8_t>();
  auto wide_offset = static_cast<int32_t>(-self_zero_point);
  auto narrow_offset = static_cast<int32_t>(-other_zero_point);
  if (plan.swapped) {
    std::swap(wide, narrow);
    std::swap(wide_offset, narrow_offset);
  }
  int8_t* result = out.mutable_data_ptr<int8_t>();
  for (int32_t i = 0; i < plan.blocks; ++i) {
    const auto status = arm_elementwise_mul_s8(
        wide + i * plan.block,
        narrow,
        wide_offset,
        narrow_offset,
        result + i * plan.block,
        static_cast<int32_t>(output_zero_point),
        static_cast<int32_t>(output_multiplier),
        static_cast<int32_t>(output_shift),
        INT8_MIN,
        INT8_MAX,
        plan.block);
    if (!check.status("arm_elementwise_mul_s8", status)) {
      return out;
    }
  }
  return out;
}

CMOPT_OPERATOR(quantized_mul, quantized_mul_out);

} // namespace
} // namespace cmopt
