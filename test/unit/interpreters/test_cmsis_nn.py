"""The numeric specification of the int8 kernels, compared with hand and exact computation."""

from __future__ import annotations

from fractions import Fraction
from math import exp, floor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from cmopt.interpreters import cmsis_nn
from cmopt.interpreters.cmsis_nn.fixed_point import requantize_to_int8

INT32 = st.integers(-(2**31), 2**31 - 1)
SEEDS = st.integers(0, 2**32 - 1)
HALF = 1 << 30  # with shift 1: the factor 1

ACTIVATION: dict[str, Any] = {"activation_min": -128, "activation_max": 127}


def int8(generator: np.random.Generator, *shape: int) -> NDArray[np.int8]:
    return generator.integers(-128, 128, shape).astype(np.int8)


def unit_scales(channels: int) -> dict[str, Any]:
    """Requantization by the factor 1 for every channel."""
    return {
        "multipliers": np.full(channels, HALF, np.int32),
        "shifts": np.full(channels, 1, np.int32),
    }


def random_scales(generator: np.random.Generator, channels: int) -> dict[str, Any]:
    return {
        "multipliers": generator.integers(1 << 30, (1 << 31) - 1, channels).astype(np.int32),
        "shifts": generator.integers(-12, 0, channels).astype(np.int32),
    }


def geometry(**changes: Any) -> dict[str, Any]:
    defaults = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1)}
    return {**defaults, "input_offset": 0, "output_offset": 0, **ACTIVATION, **changes}


def round_half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


def round_half_away(value: Fraction) -> int:
    return round_half_up(value) if value >= 0 else -round_half_up(-value)


class TestRequantize:
    @given(INT32, st.integers(0, 2**31 - 1), st.integers(-31, 0))
    def test_right_shift_rounds_twice(self, value: int, multiplier: int, shift: int) -> None:
        first = round_half_up(Fraction(value * multiplier, 2**31))
        expected = round_half_away(Fraction(first, 2**-shift))
        assert cmsis_nn.requantize(np.array([value]), multiplier, shift)[0] == expected

    @given(st.integers(-(2**20), 2**20 - 1), st.integers(0, 2**31 - 1), st.integers(0, 11))
    def test_left_shift_comes_first(self, value: int, multiplier: int, shift: int) -> None:
        expected = round_half_up(Fraction(value * 2**shift * multiplier, 2**31))
        assert cmsis_nn.requantize(np.array([value]), multiplier, shift)[0] == expected

    def test_ties(self) -> None:
        values = np.array([-3, -2, -1, 1, 2, 3])
        assert cmsis_nn.requantize(values, HALF, 0).tolist() == [-1, -1, 0, 1, 1, 2]
        doubled = cmsis_nn.requantize(values * 4, HALF, -2)
        assert doubled.tolist() == [-2, -1, -1, 1, 1, 2]

    def test_left_shift_wraps(self) -> None:
        assert cmsis_nn.requantize(np.array([1 << 30]), HALF, 1)[0] == -(1 << 30)

    def test_scales_broadcast_on_the_last_axis(self) -> None:
        values = np.full((2, 3), 80)
        result = cmsis_nn.requantize(values, np.full(3, HALF), np.array([1, 0, -1]))
        assert result.tolist() == [[80, 40, 20]] * 2

    @pytest.mark.parametrize(("multiplier", "shift"), [(1 << 31, 0), (HALF, 32), (HALF, -32)])
    def test_rejects(self, multiplier: int, shift: int) -> None:
        with pytest.raises(ValueError, match="requantize"):
            cmsis_nn.requantize(np.array([1]), multiplier, shift)


class TestConvolution:
    def test_by_hand(self) -> None:
        image = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]], np.int8).reshape(1, 3, 3, 1)
        kernel = np.array([[1, 0], [0, -2]], np.int8).reshape(1, 2, 2, 1)
        result = cmsis_nn.convolve_s8(
            image,
            kernel,
            np.array([3], np.int32),
            **geometry(output_hw=(2, 2), output_offset=1),
            **unit_scales(1),
        )
        # 1 - 10, 2 - 12, 4 - 16, 5 - 18, each + 3 + 1
        assert result[0, :, :, 0].tolist() == [[-5, -6], [-8, -9]]

    def test_padding_contributes_nothing(self) -> None:
        image = np.full((1, 1, 1, 1), 10, np.int8)
        kernel = np.arange(1, 10, dtype=np.int8).reshape(1, 3, 3, 1)
        arguments = geometry(padding=(1, 1), input_offset=-7, output_hw=(1, 1))
        result = cmsis_nn.convolve_s8(image, kernel, None, **arguments, **unit_scales(1))
        assert result.item() == (10 - 7) * 5

    def test_stride_and_dilation(self) -> None:
        image = np.arange(49, dtype=np.int8).reshape(1, 7, 7, 1)
        kernel = np.array([[1, 0], [0, 1]], np.int8).reshape(1, 2, 2, 1)
        arguments = geometry(stride=(3, 2), dilation=(2, 3), output_hw=(2, 2))
        result = cmsis_nn.convolve_s8(image, kernel, None, **arguments, **unit_scales(1))
        corners = [[0 + 17, 2 + 19], [21 + 38, 23 + 40]]
        assert result[0, :, :, 0].tolist() == corners

    def test_activation_clamps(self) -> None:
        image = np.array([-100, -3, 3, 100], np.int8).reshape(1, 1, 4, 1)
        kernel = np.ones((1, 1, 1, 1), np.int8)
        arguments = geometry(output_hw=(1, 4)) | {"activation_min": -2, "activation_max": 5}
        result = cmsis_nn.convolve_s8(image, kernel, None, **arguments, **unit_scales(1))
        assert result.ravel().tolist() == [-2, -2, 3, 5]

    @given(SEEDS)
    def test_matches_the_definition(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        n, h, w, c, co, kh, kw = (int(v) for v in rng.integers(1, 5, 7))
        stride, padding, output_hw = (2, 1), (kh // 2, kw - 1), (h, w)
        image, kernel = int8(rng, n, h, w, c), int8(rng, co, kh, kw, c)
        bias = rng.integers(-5000, 5000, co).astype(np.int32)
        acc = np.zeros((n, h, w, co), np.int64)
        for i, y, x, o in np.ndindex(n, h, w, co):
            acc[i, y, x, o] = bias[o]
            for ky, kx in np.ndindex(kh, kw):
                row, column = 2 * y + ky - padding[0], x + kx - padding[1]
                if 0 <= row < h and 0 <= column < w:
                    pixel = image[i, row, column].astype(np.int64) + 9
                    acc[i, y, x, o] += pixel @ kernel[o, ky, kx].astype(np.int64)
        scales = random_scales(rng, co)
        scaled = cmsis_nn.requantize(acc, scales["multipliers"], scales["shifts"]) - 4
        arguments = geometry(stride=stride, padding=padding, output_hw=output_hw)
        arguments |= {"input_offset": 9, "output_offset": -4}
        result = cmsis_nn.convolve_s8(image, kernel, bias, **arguments, **scales)
        assert np.array_equal(result, np.clip(scaled, -128, 127))

    @given(SEEDS, st.integers(2, 3))
    def test_groups_are_separate_convolutions(self, seed: int, groups: int) -> None:
        rng = np.random.default_rng(seed)
        image, kernel = int8(rng, 2, 5, 4, 2 * groups), int8(rng, 3 * groups, 3, 2, 2)
        bias = rng.integers(-5000, 5000, 3 * groups).astype(np.int32)
        scales = random_scales(rng, 3 * groups)
        arguments = geometry(padding=(1, 0), output_hw=(5, 3), input_offset=-5)
        whole = cmsis_nn.convolve_s8(image, kernel, bias, **arguments, **scales)
        for g in range(groups):
            part = slice(3 * g, 3 * g + 3)
            alone = cmsis_nn.convolve_s8(
                image[..., 2 * g : 2 * g + 2],
                kernel[part],
                bias[part],
                **arguments,
                **{name: value[part] for name, value in scales.items()},
            )
            assert np.array_equal(whole[..., part], alone)

    @given(SEEDS, st.integers(1, 4))
    def test_depthwise_is_one_group_per_channel(self, seed: int, depth: int) -> None:
        rng = np.random.default_rng(seed)
        image, kernel = int8(rng, 2, 6, 5, 3), int8(rng, 1, 3, 2, 3 * depth)
        bias = rng.integers(-5000, 5000, 3 * depth).astype(np.int32)
        arguments = geometry(stride=(2, 1), padding=(1, 1), dilation=(1, 2), output_hw=(3, 5))
        arguments |= random_scales(rng, 3 * depth)
        depthwise = cmsis_nn.depthwise_conv_s8(
            image, kernel, bias, depth_multiplier=depth, **arguments
        )
        grouped = cmsis_nn.convolve_s8(image, kernel.transpose(3, 1, 2, 0), bias, **arguments)
        assert np.array_equal(depthwise, grouped)

    @given(SEEDS)
    def test_transposed_is_convolution_of_the_upsampled(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        image, kernel = int8(rng, 1, 4, 3, 2), int8(rng, 5, 3, 2, 2)
        offset, scales = -11, random_scales(rng, 5)
        upsampled = np.full((1, 7, 5, 2), -offset, np.int8)
        upsampled[:, ::2, ::2] = image
        common = geometry(input_offset=offset, output_hw=(8, 6)) | scales
        expected = cmsis_nn.convolve_s8(
            upsampled, kernel[:, ::-1, ::-1], None, **(common | {"padding": (1, 1)})
        )
        common |= {"stride": (2, 2), "padding": (1, 0)}
        result = cmsis_nn.transpose_conv_s8(image, kernel, None, output_padding=(1, 0), **common)
        assert np.array_equal(result, expected)

    @pytest.mark.parametrize(
        "changes",
        [
            {"output_hw": (0, 1)},
            {"stride": (0, 1)},
            {"padding": (-1, 0)},
            {"input_offset": 129},
            {"output_offset": 128},
            {"activation_min": 5, "activation_max": 4},
            {"multipliers": np.ones(3, np.int32)},
        ],
    )
    def test_rejects(self, changes: dict[str, Any]) -> None:
        image, kernel = np.zeros((1, 2, 2, 2), np.int8), np.zeros((2, 1, 1, 2), np.int8)
        arguments = geometry(output_hw=(2, 2)) | unit_scales(2)
        cmsis_nn.convolve_s8(image, kernel, None, **arguments)
        with pytest.raises(ValueError, match="convolve_s8"):
            cmsis_nn.convolve_s8(image, kernel, None, **(arguments | changes))

    def test_rejects_wrong_operands(self) -> None:
        image, kernel = np.zeros((1, 2, 2, 2), np.int8), np.zeros((2, 1, 1, 2), np.int8)
        arguments = geometry(output_hw=(2, 2)) | unit_scales(2)
        with pytest.raises(ValueError, match="int8"):
            cmsis_nn.convolve_s8(image.astype(np.int16), kernel, None, **arguments)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="grouped"):
            cmsis_nn.convolve_s8(image[..., :1], kernel, None, **arguments)
        with pytest.raises(ValueError, match="bias"):
            cmsis_nn.convolve_s8(image, kernel, np.zeros(3, np.int32), **arguments)


class TestMatmul:
    def test_by_hand(self) -> None:
        result = cmsis_nn.fully_connected_s8(
            np.array([[1, 2, 3]], np.int8),
            np.array([[1, 1, 1], [2, 0, -1]], np.int8),
            np.array([10, -10], np.int32),
            input_offset=1,
            filter_offset=0,
            output_offset=-1,
            multiplier=HALF,
            shift=1,
            **ACTIVATION,
        )
        assert result.tolist() == [[9 + 10 - 1, 0 - 10 - 1]]

    @given(SEEDS)
    def test_is_a_1x1_convolution(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        image, kernel = int8(rng, 2, 3, 2, 7), int8(rng, 5, 1, 1, 7)
        bias = rng.integers(-5000, 5000, 5).astype(np.int32)
        scales = random_scales(rng, 5)
        conv = cmsis_nn.convolve_s8(
            image, kernel, bias, **geometry(output_hw=(3, 2), input_offset=17), **scales
        )
        linear = cmsis_nn.fully_connected_s8(
            image,
            kernel[:, 0, 0],
            bias,
            input_offset=17,
            filter_offset=0,
            output_offset=0,
            multiplier=scales["multipliers"],
            shift=scales["shifts"],
            **ACTIVATION,
        )
        assert np.array_equal(conv, linear)

    @given(SEEDS)
    def test_batch_matmul_is_one_linear_per_batch(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        lhs, rhs = int8(rng, 3, 4, 6), int8(rng, 3, 5, 6)
        scale: dict[str, Any] = {"multiplier": HALF + 12345, "shift": -6, "output_offset": 3}
        whole = cmsis_nn.batch_matmul_s8(
            lhs, rhs, lhs_offset=128, rhs_offset=-127, **scale, **ACTIVATION
        )
        for batch in range(3):
            one = cmsis_nn.fully_connected_s8(
                lhs[batch],
                rhs[batch],
                None,
                input_offset=128,
                filter_offset=-127,
                **scale,
                **ACTIVATION,
            )
            assert np.array_equal(whole[batch], one)

    def test_long_sums_are_exact(self) -> None:
        length = 100_003
        lhs = np.full((1, length), 127, np.int8)
        weights = np.full((1, length), -128, np.int8)
        weights[0, ::2] = 127
        total = 255 * (127 * (length // 2 + 1) - 128 * (length // 2))
        result = cmsis_nn.fully_connected_s8(
            lhs,
            weights,
            np.array([-total + 42], np.int32),
            input_offset=128,
            filter_offset=0,
            output_offset=0,
            multiplier=HALF,
            shift=1,
            **ACTIVATION,
        )
        assert result.item() == 42

    def test_rejects(self) -> None:
        with pytest.raises(ValueError, match="do not match"):
            cmsis_nn.batch_matmul_s8(
                np.zeros((1, 2, 3), np.int8),
                np.zeros((1, 2, 4), np.int8),
                lhs_offset=0,
                rhs_offset=0,
                output_offset=0,
                multiplier=HALF,
                shift=0,
                **ACTIVATION,
            )


class TestElementwise:
    @given(st.integers(-128, 127), st.integers(-128, 127))
    def test_add(self, a: int, b: int) -> None:
        # 0.5 (a + 3) + 0.25 (b - 4) at output scale 1: exact up to the last rounding
        result = cmsis_nn.elementwise_add_s8(
            np.array([a], np.int8),
            np.array([b], np.int8),
            self_offset=3,
            self_multiplier=HALF,
            self_shift=0,
            other_offset=-4,
            other_multiplier=HALF,
            other_shift=-1,
            left_shift=20,
            output_offset=2,
            output_multiplier=HALF,
            output_shift=-19,
            **ACTIVATION,
        )
        exact = round_half_away(Fraction(2 * (a + 3) + (b - 4), 4)) + 2
        assert result.item() == max(-128, min(127, exact))

    @given(st.integers(-128, 127), st.integers(-128, 127))
    def test_mul(self, a: int, b: int) -> None:
        result = cmsis_nn.elementwise_mul_s8(
            np.array([a], np.int8),
            np.array([b], np.int8),
            self_offset=5,
            other_offset=-6,
            output_offset=-7,
            output_multiplier=HALF,
            output_shift=-6,
            **ACTIVATION,
        )
        product = round_half_up(Fraction((a + 5) * (b - 6), 2))
        exact = round_half_away(Fraction(product, 64)) - 7
        assert result.item() == max(-128, min(127, exact))

    def test_min_max_broadcast(self) -> None:
        a = np.array([[-5, 5], [100, -128]], np.int8)
        b = np.array([0, 1], np.int8)
        assert cmsis_nn.minimum(a, b).tolist() == [[-5, 1], [0, -128]]
        assert cmsis_nn.maximum(a, b).tolist() == [[0, 5], [100, 1]]
        with pytest.raises(ValueError, match="broadcast"):
            cmsis_nn.minimum(a, np.zeros(3, np.int8))

    def test_div(self) -> None:
        result = cmsis_nn.div(
            np.array([10, 10, -10, 1, 127], np.int8),
            np.array([4, 0, 4, 2, 1], np.int8),
            self_zero_point=0,
            other_zero_point=0,
            output_zero_point=1,
            output_scale=1.0,
        )
        # 2.5 away from zero; x / 0 is 0; 0.5 away from zero; saturation
        assert result.tolist() == [4, 1, -2, 2, 127]

    def test_div_does_not_round_just_below_a_half_up(self) -> None:
        result = cmsis_nn.div(
            np.array([1], np.int8),
            np.array([1], np.int8),
            self_zero_point=0,
            other_zero_point=0,
            output_zero_point=0,
            output_scale=float(np.nextafter(np.float32(0.5), np.float32(0))),
        )
        assert result.item() == 0


class TestPooling:
    def test_average_ties_go_away_from_zero(self) -> None:
        image = np.array([1, 2, -1, -2], np.int8).reshape(1, 1, 4, 1)
        result = cmsis_nn.avgpool_s8(
            image, kernel=(1, 2), stride=(1, 2), padding=(0, 0), output_hw=(1, 2), **ACTIVATION
        )
        assert result.ravel().tolist() == [2, -2]

    def test_average_divides_by_the_positions_inside(self) -> None:
        image = np.full((1, 2, 2, 3), 12, np.int8)
        result = cmsis_nn.avgpool_s8(
            image, kernel=(3, 3), stride=(1, 1), padding=(1, 1), output_hw=(2, 2), **ACTIVATION
        )
        assert (result == 12).all()

    @given(SEEDS)
    def test_match_the_definition(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        image = int8(rng, 2, 5, 7, 3)
        arguments: dict[str, Any] = {"kernel": (3, 2), "stride": (2, 3), "padding": (1, 1)}
        arguments |= ACTIVATION | {"output_hw": (3, 3)}
        average = cmsis_nn.avgpool_s8(image, **arguments)
        largest = cmsis_nn.max_pool_s8(image, **arguments)
        for n, y, x, c in np.ndindex(2, 3, 3, 3):
            top, left = 2 * y - 1, 3 * x - 1
            part = image[n, max(top, 0) : top + 3, max(left, 0) : left + 2, c].astype(int)
            assert average[n, y, x, c] == round_half_away(Fraction(int(part.sum()), part.size))
            assert largest[n, y, x, c] == part.max()

    def test_rejects_an_empty_window(self) -> None:
        with pytest.raises(ValueError, match="outside"):
            cmsis_nn.max_pool_s8(
                np.zeros((1, 2, 2, 1), np.int8),
                kernel=(2, 2),
                stride=(2, 2),
                padding=(0, 0),
                output_hw=(2, 1),
                **ACTIVATION,
            )


class TestSoftmax:
    @staticmethod
    def run(rows: NDArray[np.int8], scale: float) -> NDArray[np.int8]:
        """Softmax of inputs of the given scale (a power of two), with the lowering's parameters."""
        shift = 27 + int(np.log2(scale))
        diff_min = -floor(31 * 2.0**26 / 2.0**shift)
        return cmsis_nn.softmax_s8(rows, multiplier=HALF, shift=shift, diff_min=diff_min)

    @pytest.mark.parametrize("scale", [2.0**-7, 2.0**-4, 2.0**-2, 1.0])
    def test_close_to_the_real_function(self, scale: float) -> None:
        rows = int8(np.random.default_rng(1), 50, 10)
        exact = np.exp((rows.astype(float) - rows.max(axis=1, keepdims=True)) * scale)
        exact /= exact.sum(axis=1, keepdims=True)
        # The fixed point has an error of a few units in 2**-19, so only the rounding can differ.
        distance = np.abs(self.run(rows, scale).astype(float) + 128 - np.minimum(exact * 256, 255))
        assert distance.max() < 0.5 + 1e-3

    def test_by_hand(self) -> None:
        assert self.run(np.zeros((1, 4), np.int8), 1.0).tolist() == [[-64] * 4]
        assert self.run(np.array([[127, -128]], np.int8), 1.0).tolist() == [[127, -128]]
        two = self.run(np.array([[1, 0]], np.int8), 1.0)
        assert two.tolist() == [[round(256 / (1 + exp(-1))) - 128, round(256 / (1 + exp(1))) - 128]]

    def test_differences_below_the_limit_count_as_nothing(self) -> None:
        row = np.array([[0, -1, -2]], np.int8)
        result = cmsis_nn.softmax_s8(row, multiplier=HALF, shift=20, diff_min=-1)
        assert result[0, 2] == -128
        assert abs(int(result[0, 0])) <= 1
        assert abs(int(result[0, 1])) <= 1

    def test_long_rows(self) -> None:
        assert set(self.run(np.zeros((1, 1000), np.int8), 1.0).ravel()) == {-128}
        with pytest.raises(ValueError, match="32 bits"):
            self.run(np.zeros((1, 4096), np.int8), 1.0)


class TestDataMovement:
    def test_pad(self) -> None:
        result = cmsis_nn.pad_s8(np.array([[1, 2]], np.int8), [1, 0], [0, 2], -3)
        assert result.tolist() == [[-3] * 4, [1, 2, -3, -3]]
        with pytest.raises(ValueError, match="negative"):
            cmsis_nn.pad_s8(np.zeros(2, np.int8), [-1], [0], 0)

    @given(st.permutations(range(4)))
    def test_transpose_and_back(self, perm: list[int]) -> None:
        array = np.arange(120, dtype=np.int8).reshape(2, 3, 4, 5)
        moved = cmsis_nn.transpose(array, perm)
        assert moved.flags.c_contiguous
        assert moved.shape == tuple(array.shape[axis] for axis in perm)
        assert np.array_equal(cmsis_nn.transpose(moved, np.argsort(perm).tolist()), array)

    def test_transpose_rejects(self) -> None:
        with pytest.raises(ValueError, match="permutation"):
            cmsis_nn.transpose(np.zeros((2, 2), np.int8), [0, 0])

    def test_lookup(self) -> None:
        every = np.arange(-128, 128).astype(np.int8)
        table = np.random.default_rng(0).permutation(every)
        assert np.array_equal(cmsis_nn.lookup_s8(every, table), table)
        with pytest.raises(ValueError, match="256"):
            cmsis_nn.lookup_s8(every, table[1:])


class TestFloatBorder:
    def test_quantize_rounds_ties_to_even_and_saturates(self) -> None:
        x = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 1e30, -1e30, np.inf, np.nan], np.float32)
        result = cmsis_nn.quantize(x, 1.0, 3, -128, 127)
        assert result.tolist() == [3, 5, 5, 3, 1, 127, -128, 127, 3]
        assert cmsis_nn.quantize(x, 1.0, 0, 0, 10).tolist() == [0, 2, 2, 0, 0, 10, 0, 10, 0]

    def test_quantize_multiplies_by_the_float32_reciprocal(self) -> None:
        # A quotient and a product with the reciprocal fall on different sides of some ties.
        scale = np.float32(0.003)
        x = np.arange(-400, 400, dtype=np.float32) * scale / np.float32(2)
        expected = np.rint(x * (np.float32(1) / scale)).clip(-128, 127)
        assert np.array_equal(cmsis_nn.quantize(x, 0.003, 0, -128, 127), expected)
        assert not np.array_equal(np.rint(x / scale).clip(-128, 127), expected)

    @given(st.integers(-128, 127), st.floats(2.0**-20, 1024.0, width=32), st.integers(-128, 127))
    def test_round_trip(self, q: int, scale: float, zero_point: int) -> None:
        number = np.array([q], np.int8)
        real = cmsis_nn.dequantize(number, scale, zero_point)
        assert real.dtype == np.float32
        assert cmsis_nn.quantize(real, scale, zero_point, -128, 127)[0] == q

    def test_int16(self) -> None:
        x = np.array([-40000.0, 1234.4, 40000.0], np.float32)
        result = cmsis_nn.quantize(x, 1.0, 0, -32768, 32767, np.int16)
        assert result.dtype == np.int16
        assert result.tolist() == [-32768, 1234, 32767]

    @pytest.mark.parametrize("scale", [0.0, -1.0, float("inf"), float("nan")])
    def test_rejects_a_scale(self, scale: float) -> None:
        with pytest.raises(ValueError, match="scale"):
            cmsis_nn.quantize(np.zeros(1, np.float32), scale, 0, -128, 127)

    def test_rejects_a_range(self) -> None:
        with pytest.raises(ValueError, match="leaves int8"):
            cmsis_nn.quantize(np.zeros(1, np.float32), 1.0, 0, -129, 127)


def test_the_zero_point_is_added_in_32_bits() -> None:
    """As in the kernels, 2^31 - 2 + 127 wraps to a negative number, which is then clamped."""
    largest = np.array([2**31 - 1], np.int64)
    result = requantize_to_int8(largest, 2**31 - 1, 0, 127, -128, 127)
    assert result.tolist() == [-128]
