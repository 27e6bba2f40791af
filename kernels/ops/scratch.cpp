#include "scratch.h"

#include <limits>
#include <new>

namespace cmopt {
namespace {

constexpr size_t kAlignment = 16;
constexpr int64_t kMostScratch = std::numeric_limits<int32_t>::max();

} // namespace

bool Scratch::allocate(Checker& check, int64_t bytes) {
  const size_t size = bytes > 0 ? static_cast<size_t>(bytes) : 0;
  if (bytes > kMostScratch) {
    return check.fail("a scratch of %" PRId64 " bytes is too large", bytes);
  }
  memory_.reset(new (std::nothrow) uint8_t[size + kAlignment]);
  if (memory_ == nullptr) {
    return check.fail("no memory for %zu bytes of scratch", size);
  }
  const auto address = reinterpret_cast<uintptr_t>(memory_.get());
  const size_t skip = (kAlignment - address % kAlignment) % kAlignment;
  context_ = {memory_.get() + skip, static_cast<int32_t>(size)};
  return true;
}

} // namespace cmopt
