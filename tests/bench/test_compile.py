"""The table of compilations, and sizes of what comes out."""

from __future__ import annotations

from wasmkiln.compiler import compile_model

from bench.compile import HEAD, line, sizes_of
from tests.web.models import convolutional_model


def test_a_row_has_the_first_time_and_the_median_of_later_ones() -> None:
    rows = [{"ms": ms, "timings": {"parse": ms / 4e3}} for ms in (400, 120, 100, 110)]
    sizes = sizes_of(compile_model(convolutional_model()))
    cells = [cell.strip() for cell in line("net", rows, sizes).split("|")[1:-1]]
    assert cells[:5] == ["net", "400", "100", "110", "28"]
    assert len(cells) == HEAD[0].count("|") - 1


def test_what_is_alive_at_once_bounds_the_plan() -> None:
    sizes = sizes_of(compile_model(convolutional_model()))
    assert 0 < sizes.ideal <= sizes.arena < sizes.memory
    assert 0 < sizes.code_gzip < sizes.code
    assert sizes.ratio >= 1
