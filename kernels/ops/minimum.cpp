#include "select.h"
#include "registration.h"

namespace cmopt {
namespace {

Tensor& minimum_out(Context& context, const Tensor& self, const Tensor& other, Tensor& out) {
  select(context, "minimum", arm_minimum_s8, self, other, out);
  return out;
}

CMOPT_OPERATOR(minimum, minimum_out);

} // namespace
} // namespace cmopt
