// Registers the operators with ExecuTorch's runtime when the library is loaded. A build with
// ExecuTorch's own codegen, which reads kernels/operators.yaml, leaves this file out.
#include "../ops/registration.h"
#include "operators.h"

namespace cmopt {
namespace {

CMOPT_REGISTER(cmopt, layer_norm, native::layer_norm_out);
CMOPT_REGISTER(cmopt, lookup, native::lookup_out);
CMOPT_REGISTER(cmopt, lstm, native::lstm_out);
CMOPT_REGISTER(cmopt, packed_conv2d, native::packed_conv2d_out);
CMOPT_REGISTER(cmopt, quantized_add, native::quantized_add_out);
CMOPT_REGISTER(cmopt, quantized_avg_pool2d, native::quantized_avg_pool2d_out);
CMOPT_REGISTER(cmopt, quantized_batch_matmul, native::quantized_batch_matmul_out);
CMOPT_REGISTER(cmopt, quantized_conv2d, native::quantized_conv2d_out);
CMOPT_REGISTER(cmopt, quantized_depthwise_conv2d, native::quantized_depthwise_conv2d_out);
CMOPT_REGISTER(cmopt, quantized_hypot, native::quantized_hypot_out);
CMOPT_REGISTER(cmopt, quantized_max_pool2d, native::quantized_max_pool2d_out);
CMOPT_REGISTER(cmopt, quantized_mul, native::quantized_mul_out);
CMOPT_REGISTER(cmopt, requantize, native::requantize_out);
CMOPT_REGISTER(cmopt, softmax, native::softmax_out);

} // namespace
} // namespace cmopt
