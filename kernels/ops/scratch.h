// Working memory from the heap, for the operators of the host's library.
#pragma once

#include <memory>

#include "common.h"

namespace cmopt {

// Scratch memory owned by one kernel call, 16-byte aligned. The linked library gives its size. The
// scratch in a program is not used: its size is for the program's target, which may be another.
class Scratch {
 public:
  // Allocates max(bytes, 0) bytes; the buffer is never null. Fails the call if there is no memory.
  bool allocate(Checker& check, int64_t bytes);
  cmsis_nn_context context() const { return context_; }
  template <typename T>
  T* data() const {
    return static_cast<T*>(context_.buf);
  }

 private:
  std::unique_ptr<uint8_t[]> memory_;
  cmsis_nn_context context_{nullptr, 0};
};

} // namespace cmopt
