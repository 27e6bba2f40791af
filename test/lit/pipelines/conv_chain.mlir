// RUN: cm-opt %s --pass-pipeline='builtin.module(verify-stage{stage=edge},canonicalize,fuse-activations,fold-quantize-dequantize,canonicalize,fall-back-to-float,canonicalize,cse,verify-stage{stage=quantized})' | filecheck %s --check-prefix=QUANTIZED
// RUN: cm-opt %s --pass-pipeline='builtin.module(canonicalize,fuse-activations,fold-quantize-dequantize,canonicalize,fall-back-to-float,canonicalize,cse,materialize-dim-order,convert-to-nhwc,choose-layouts,fold-inverse-permutes,canonicalize,cse,verify-stage{stage=layout})' | filecheck %s --check-prefix=LAYOUT
// RUN: %{python} -c "from cmopt.pipeline.stages import stage_pipelines as s; print(','.join(s('cortex-m55', 'float').values()), end='')" > %t.float
// RUN: %{python} -c "from cmopt.pipeline.stages import stage_pipelines as s; print(','.join(s('cortex-m55', 'int8').values()), end='')" > %t.int8
// RUN: %{python} -c "import sys; from cmopt.pipeline.cm_opt import main; sys.exit(main([sys.argv[1], '--mlir-elide-elementsattrs-if-larger=16', '-p', open(sys.argv[2]).read()]))" %s %t.float | filecheck %s --check-prefixes=PLANNED,FLOAT
// RUN: %{python} -c "import sys; from cmopt.pipeline.cm_opt import main; sys.exit(main([sys.argv[1], '--mlir-elide-elementsattrs-if-larger=16', '-p', open(sys.argv[2]).read()]))" %s %t.int8 | filecheck %s --check-prefixes=PLANNED,INT8

// A convolution with relu, a max pool, a residual add and a classifier, as torch.export gives
// them, with a channels-last input. Each becomes one kernel, and no op changes a layout.

!x = !quant.uniform<i8:f32, 0.05:-3>
!h = !quant.uniform<i8:f32, 0.1:-128>
!y = !quant.uniform<i8:f32, 0.2:5>
!w = !quant.uniform<i8<-127:127>:f32:0, {0.01, 0.02, 0.03, 0.04}>

// QUANTIZED-LABEL: @forward
// QUANTIZED:         quant.qcast
// QUANTIZED-NOT:     quant.dcast
// QUANTIZED:         edge.conv2d {{.*}}activation_min = 0.000000e+00 : f32
// QUANTIZED-NEXT:    edge.max_pool2d
// QUANTIZED-NEXT:    edge.add
// QUANTIZED-NEXT:    edge.reshape
// QUANTIZED:         edge.linear
// QUANTIZED-NEXT:    quant.dcast
// QUANTIZED-NEXT:    func.return

// LAYOUT-LABEL: @forward
// LAYOUT-SAME:    (%x: tensor<1x8x8x3xf32> {edge.dim_order = array<i64: 0, 2, 3, 1>}) -> tensor<1x2xf32>
// LAYOUT-NOT:     edge.permute
// LAYOUT:         edge.conv2d {{.*}}data_format = "NHWC"
// LAYOUT-NEXT:    edge.max_pool2d {{.*}}data_format = "NHWC"
// LAYOUT-NEXT:    edge.add
// LAYOUT-NOT:     edge.permute
// LAYOUT:         edge.linear

// FLOAT-LABEL: @forward
// FLOAT-SAME:    (%x: tensor<1x8x8x3xf32, #cortex_m.place<arena, {{[0-9]+}}>> {edge.dim_order = array<i64: 0, 2, 3, 1>}) -> tensor<1x2xf32, #cortex_m.place<arena, {{[0-9]+}}>>
// INT8-LABEL: @forward
// INT8-SAME:    (%x: tensor<1x8x8x3xi8, #cortex_m.place<arena, {{[0-9]+}}>> {edge.dim_order = array<i64: 0, 2, 3, 1>, quant.type = tensor<1x8x8x3x!quant.uniform<i8:f32, 0.05:-3>>}) -> (tensor<1x2xi8, #cortex_m.place<arena, {{[0-9]+}}>> {quant.type = tensor<1x2x!quant.uniform<i8:f32, 0.2:5>>})
// FLOAT-NEXT:       cortex_m.quantize_per_tensor %x
// INT8-NOT:         cortex_m.quantize_per_tensor
// PLANNED-NOT:      cortex_m.transpose
// PLANNED-NOT:      edge.call
// PLANNED:          cortex_m.quantized_conv2d {{.*}}padding = array<i64: 1, 1>{{.*}}input_offset = 3 : i32, output_offset = -128 : i32, activation_min = -128 : i32, activation_max = 127 : i32
// PLANNED-NEXT:     cortex_m.quantized_max_pool2d {{.*}} -> tensor<1x4x4x4xi8, #cortex_m.place<arena, {{[0-9]+}}>>
// PLANNED-NEXT:     arith.constant {{.*}} : tensor<256xi8>
// PLANNED-NEXT:     cortex_m.quantized_activation
// PLANNED-NEXT:     cortex_m.view %{{.*}} : {{.*}} -> tensor<1x64xi8, #cortex_m.place<arena, {{[0-9]+}}>>
// PLANNED-NEXT:     arith.constant {{.*}} : tensor<2x64xi8>
// PLANNED-NEXT:     %kernel_sum = arith.constant
// PLANNED-NEXT:     cortex_m.quantized_linear %{{.*}} kernel_sum %kernel_sum
// FLOAT-NEXT:       cortex_m.dequantize_per_tensor
// PLANNED-NEXT:     func.return
func.func @forward(%x: tensor<1x3x8x8xf32, #edge.dim_order<[0, 2, 3, 1]>>) -> tensor<1x2xf32> {
  %cw = arith.constant dense<3> : tensor<4x3x3x3xi8>
  %w0 = quant.scast %cw : tensor<4x3x3x3xi8> to tensor<4x3x3x3x!w>
  %w = quant.dcast %w0 : tensor<4x3x3x3x!w> to tensor<4x3x3x3xf32>
  %b = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %0 = edge.to_dim_order %x : (tensor<1x3x8x8xf32, #edge.dim_order<[0, 2, 3, 1]>>) -> tensor<1x3x8x8xf32>
  %1 = quant.qcast %0 : tensor<1x3x8x8xf32> to tensor<1x3x8x8x!x>
  %2 = quant.dcast %1 : tensor<1x3x8x8x!x> to tensor<1x3x8x8xf32>
  %3 = edge.conv2d %2, %w, %b {stride = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>, tensor<4xf32>) -> tensor<1x4x8x8xf32>
  %4 = edge.relu %3 : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32>
  %5 = quant.qcast %4 : tensor<1x4x8x8xf32> to tensor<1x4x8x8x!h>
  %6 = quant.dcast %5 : tensor<1x4x8x8x!h> to tensor<1x4x8x8xf32>
  %7 = edge.max_pool2d %6 {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false} : (tensor<1x4x8x8xf32>) -> tensor<1x4x4x4xf32>
  %8 = quant.qcast %7 : tensor<1x4x4x4xf32> to tensor<1x4x4x4x!h>
  %9 = quant.dcast %8 : tensor<1x4x4x4x!h> to tensor<1x4x4x4xf32>
  %10 = edge.add %9, %9 : (tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  %11 = quant.qcast %10 : tensor<1x4x4x4xf32> to tensor<1x4x4x4x!h>
  %12 = quant.dcast %11 : tensor<1x4x4x4x!h> to tensor<1x4x4x4xf32>
  %13 = edge.reshape %12 : (tensor<1x4x4x4xf32>) -> tensor<1x64xf32>
  %cv = arith.constant dense<2> : tensor<2x64xi8>
  %v0 = quant.scast %cv : tensor<2x64xi8> to tensor<2x64x!quant.uniform<i8:f32, 0.01>>
  %v = quant.dcast %v0 : tensor<2x64x!quant.uniform<i8:f32, 0.01>> to tensor<2x64xf32>
  %14 = edge.linear %13, %v : (tensor<1x64xf32>, tensor<2x64xf32>) -> tensor<1x2xf32>
  %15 = quant.qcast %14 : tensor<1x2xf32> to tensor<1x2x!y>
  %16 = quant.dcast %15 : tensor<1x2x!y> to tensor<1x2xf32>
  func.return %16 : tensor<1x2xf32>
}
