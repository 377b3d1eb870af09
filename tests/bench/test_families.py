"""Rows of a microbenchmark by family, and what they lose."""

from __future__ import annotations

import doctest

import pytest

from bench import families
from bench.families import FastEnough, family, family_table, lost_ms, slow_table
from bench.micro import MicroRow


def row(kernel: str, ms: float, share: float, count: int = 1, macs: int = 1) -> MicroRow:
    return MicroRow("net", "Op", (kernel,), "1 → 1", count, ms, 0.5, macs, 1.0, share)


def test_examples() -> None:
    assert doctest.testmod(families).failed == 0


@pytest.mark.parametrize(
    "kernel, name",
    [
        ("conv_f32_6x8_copied_bias", "conv_f32_6x8"),
        ("gemm_i16_1x32", "gemm_i16_1x32"),
        ("rnn_step_f32_4x8_c_last_3c0d25", "rnn_step_f32_4x8"),
        ("softmax_f32", "softmax"),
        ("reduce_max_inner_f32", "reduce_max"),
        ("copy4_2d_b", "copy4"),
        ("attention_f32_add81e004_c", "attention"),
        ("nbits_4_z8", "nbits"),
    ],
)
def test_a_family_is_what_a_kernel_is_without_its_epilogue(kernel: str, name: str) -> None:
    assert family(kernel) == name


def test_families_are_ordered_by_time_and_weigh_their_rows() -> None:
    rows = [
        row("gemm_f32_6x8_bias", 1.0, 0.9, count=2),
        row("gemm_f32_6x8", 2.0, 0.5),
        row("map_f32_1d_c_max0", 5.0, 0.0, macs=0),
    ]
    lines = family_table(rows).splitlines()[2:]
    assert lines[0] == "| map | 55.6 % | 5.00 | 1 |  |  |"
    assert lines[1] == "| gemm_f32_6x8 | 44.4 % | 4.00 | 2 | 50 % | 70 % |"


def test_only_products_lose_and_only_what_is_missing() -> None:
    assert lost_ms(row("map_f32_1d", 3.0, 0.0, macs=0)) == 0
    assert lost_ms(row("gemm_f32_6x8", 3.0, FastEnough.FLOATS)) == 0
    assert lost_ms(row("gemm_f32_6x8", 3.0, FastEnough.FLOATS / 2, count=2)) == pytest.approx(3)
    assert lost_ms(row("gemm_i16_4x8", 3.0, FastEnough.FLOATS)) > 0


def test_what_loses_most_comes_first() -> None:
    rows = [row(f"gemm_f32_6x8_max{i}", 1.0, 0.1 * i) for i in range(1, 9)]
    lines = slow_table(rows, 3).splitlines()[2:]
    assert [line.split("|")[3].strip() for line in lines] == ["10 %", "20 %", "30 %"]


def test_nothing_measured_is_a_table_without_rows() -> None:
    assert len(family_table([]).splitlines()) == len(slow_table([]).splitlines()) == 2
