"""Medians of visits, and the count of what a server sends."""

from __future__ import annotations

from pathlib import Path
from urllib.request import urlopen

from wasmkiln.devserver.site import Site

from bench.start import Visit, summarise_visits, table
from bench.traffic import counting, renderer_bytes


def _visit(ready: float, renderer: int | None, note: str) -> Visit:
    return Visit("wasmkiln", "cold", ready, ready + 10, 5, 7_000_000, 0, renderer, {"note": note})


def test_visits_become_medians() -> None:
    visits = [_visit(300, 2**20, "slow"), _visit(100, None, "fast"), _visit(200, 2**22, "middle")]
    (row,) = summarise_visits(visits)
    assert (row.ready_ms, row.first_ms, row.renderer) == (200, 210, (2**20 + 2**22) // 2)
    assert row.details == {"note": "middle"}
    last = table([row]).splitlines()[-1]
    assert last.startswith("| wasmkiln | cold | 200 | 210 | 5.0 | 7.00 | 0.00 | 2")


def test_the_server_counts_bodies_by_path(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(1000))
    with counting(Site(tmp_path)) as (url, traffic):
        for query in ("", "?again"):
            with urlopen(f"{url}a.bin{query}") as answer:
                assert len(answer.read()) == 1000
        assert traffic.take() == {"/a.bin": 2000}
        assert not traffic.take()


def test_a_slow_line_gives_whole_bodies(tmp_path: Path) -> None:
    content = bytes(range(256)) * 200  # several parts of a line's, the last of them not whole
    (tmp_path / "a.bin").write_bytes(content)
    with counting(Site(tmp_path), rate=1e9) as (url, traffic):
        with urlopen(f"{url}a.bin") as answer:
            assert answer.read() == content
        assert traffic.take() == {"/a.bin": len(content)}


def test_a_browser_that_does_not_run_has_no_renderer(tmp_path: Path) -> None:
    assert renderer_bytes(tmp_path) is None
