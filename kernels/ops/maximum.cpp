#include "select.h"
#include "registration.h"

namespace cmopt {
namespace {

Tensor& maximum_out(Context& context, const Tensor& self, const Tensor& other, Tensor& out) {
  select(context, "maximum", arm_maximum_s8, self, other, out);
  return out;
}

CMOPT_OPERATOR(maximum, maximum_out);

} // namespace
} // namespace cmopt
