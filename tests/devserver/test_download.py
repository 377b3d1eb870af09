"""Downloads: only the pinned bytes are kept, a broken transfer goes on where it stopped."""

from __future__ import annotations

import hashlib
import io
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from wasmkiln.devserver.download import (
    Artefact,
    DownloadError,
    fetch,
    fetch_by_command,
    write_atomically,
)
from wasmkiln.devserver.progress import Progress

from tests.devserver.serving import answering, running

CONTENT = bytes(range(256)) * 1000
PINNED = Artefact("thing.bin", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def progress() -> Progress:
    return Progress(io.StringIO())


class Origin:
    """Serves `content`, from where Range asks; each number in `cuts` breaks a transfer there."""

    def __init__(self, content: bytes = CONTENT, ranges: bool = True) -> None:
        self.content, self.ranges = content, ranges
        self.cuts: list[int] = []
        self.asked: list[str | None] = []

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        wanted = handler.headers["Range"]
        self.asked.append(wanted)
        first = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.ranges else 0
        handler.send_response(206 if first else 200)
        if first:
            size = len(self.content)
            handler.send_header("Content-Range", f"bytes {first}-{size - 1}/{size}")
        handler.send_header("Content-Length", str(len(self.content) - first))
        handler.end_headers()
        end = self.cuts.pop(0) if self.cuts else len(self.content)
        handler.wfile.write(self.content[first:end])
        handler.close_connection = True


def test_the_pinned_file_is_fetched_once(tmp_path: Path, progress: Progress) -> None:
    origin = Origin()
    with running(answering(origin)) as url:
        for _ in range(2):
            assert fetch(PINNED, [url], tmp_path, progress).read_bytes() == CONTENT
    assert origin.asked == [None]
    assert [p.name for p in tmp_path.iterdir()] == ["thing.bin"]


def test_a_broken_transfer_is_resumed_by_range(tmp_path: Path, progress: Progress) -> None:
    origin = Origin()
    origin.cuts = [100_000, 180_000]
    with running(answering(origin)) as url:
        for held in (100_000, 180_000):
            with pytest.raises(DownloadError, match=f"ended after {held} of 256000 bytes"):
                fetch(PINNED, [url], tmp_path, progress)
            assert [(p.name, p.stat().st_size) for p in tmp_path.iterdir()] == [
                ("thing.bin.part", held)
            ]
        assert fetch(PINNED, [url], tmp_path, progress).read_bytes() == CONTENT
    assert origin.asked == [None, "bytes=100000-", "bytes=180000-"]


def test_a_server_without_ranges_starts_over(tmp_path: Path, progress: Progress) -> None:
    origin = Origin(ranges=False)
    (tmp_path / "thing.bin.part").write_bytes(CONTENT[:1000])
    with running(answering(origin)) as url:
        assert fetch(PINNED, [url], tmp_path, progress).read_bytes() == CONTENT


@pytest.mark.parametrize("held", [10, 256_000, 300_000])
def test_a_part_of_another_file_is_thrown_away(
    tmp_path: Path, progress: Progress, held: int
) -> None:
    (tmp_path / "thing.bin.part").write_bytes(b"x" * held)
    with running(answering(Origin())) as url:
        assert fetch(PINNED, [url], tmp_path, progress).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"y" * 256_000, "differs from the pinned one"),
        (CONTENT + b"y", "more than 256000 bytes"),
    ],
)
def test_other_bytes_than_the_pinned_ones_are_refused(
    tmp_path: Path, progress: Progress, content: bytes, message: str
) -> None:
    with (
        running(answering(Origin(content))) as url,
        pytest.raises(DownloadError, match=message),
    ):
        fetch(PINNED, [url], tmp_path, progress)
    assert not (tmp_path / "thing.bin").exists()
    with running(answering(Origin())) as url:
        assert fetch(PINNED, [url], tmp_path, progress).read_bytes() == CONTENT


def test_the_next_source_is_tried_and_every_failure_told(
    tmp_path: Path, progress: Progress
) -> None:
    def missing(handler: BaseHTTPRequestHandler) -> None:
        handler.send_error(404)

    with running(answering(missing)) as bad:
        with pytest.raises(DownloadError) as caught:
            fetch(PINNED, [bad, "http://127.0.0.1:1/thing"], tmp_path, progress)
        with running(answering(Origin())) as good:
            assert fetch(PINNED, [bad, good], tmp_path, progress).read_bytes() == CONTENT
    assert "404" in str(caught.value) and "127.0.0.1:1/thing" in str(caught.value)


def copier(content: bytes, tmp_path: Path) -> list[str]:
    source = tmp_path / "source"
    source.write_bytes(content)
    code = "import shutil, sys; shutil.copy(sys.argv[1], sys.argv[2] + '/thing.bin')"
    return [sys.executable, "-c", code, str(source), "{into}"]


def test_a_command_may_bring_the_file(tmp_path: Path, progress: Progress) -> None:
    folder = tmp_path / "cache"
    path = fetch_by_command(PINNED, copier(CONTENT, tmp_path), folder, progress)
    assert path.read_bytes() == CONTENT
    assert [p.name for p in folder.iterdir()] == ["thing.bin"]


def test_a_command_with_other_bytes_leaves_nothing(tmp_path: Path, progress: Progress) -> None:
    folder = tmp_path / "cache"
    with pytest.raises(DownloadError, match="another file than the pinned one"):
        fetch_by_command(PINNED, copier(b"other", tmp_path), folder, progress)
    assert list(folder.iterdir()) == []


def test_a_failing_command_is_told_with_its_last_line(tmp_path: Path, progress: Progress) -> None:
    code = "import sys; print('first'); sys.exit('no such package')"
    with pytest.raises(DownloadError, match="no such package"):
        fetch_by_command(PINNED, [sys.executable, "-c", code], tmp_path, progress)
    with pytest.raises(DownloadError, match="No such file"):
        fetch_by_command(PINNED, ["/nonexistent/npm"], tmp_path, progress)
    assert list(tmp_path.iterdir()) == []


def test_an_atomic_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with pytest.raises(TypeError):
        write_atomically(path, "not bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_progress_is_redrawn_on_a_terminal_only() -> None:
    live, plain = io.StringIO(), io.StringIO()
    for stream in (live, plain):
        progress = Progress(stream, live=stream is live)
        progress.begin("thing", 2_000_000)
        progress.update(2_000_000)
        progress.end("2.0 MB")
    assert live.getvalue().split("\r")[1:] == [
        "thing    0 %  0.0 of 2.0 MB",
        "thing  100 %  2.0 of 2.0 MB",
        "thing  2.0 MB              \n",
    ]
    assert plain.getvalue() == "thing …\nthing: 2.0 MB\n"
