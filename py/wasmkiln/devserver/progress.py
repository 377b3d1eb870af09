"""Progress on the terminal: one line a task, with bytes and percent while it runs."""

from __future__ import annotations

import time
from typing import TextIO


class Progress:
    """Reports tasks to a stream; only on a terminal is the running line redrawn."""

    def __init__(self, stream: TextIO, live: bool | None = None) -> None:
        self._stream = stream
        self._live = stream.isatty() if live is None else live
        self._title = ""
        self._total = 0
        self._drawn_at = 0.0
        self._width = 0

    def begin(self, title: str, total: int = 0) -> None:
        """Start a task of `total` bytes; 0 where the amount isn't known."""
        self._title, self._total, self._drawn_at = title, total, 0.0
        if self._live:
            self.update(0)
        else:
            self._stream.write(f"{title} …\n")
            self._stream.flush()

    def update(self, done: int) -> None:
        """Say how many bytes of the task are done."""
        now = time.monotonic()
        if not self._live or (now - self._drawn_at < 0.1 and done != self._total):
            return
        self._drawn_at = now
        if self._total:
            percent = min(100, 100 * done // self._total)
            amount = f"{percent:3d} %  {done / 1e6:.1f} of {self._total / 1e6:.1f} MB"
        else:
            amount = f"{done / 1e6:.1f} MB" if done else "…"
        self._draw(f"{self._title}  {amount}")

    def end(self, result: str = "done") -> None:
        """Close the task's line."""
        if self._live:
            self._draw(f"{self._title}  {result}")
            self._width = 0
            self._stream.write("\n")
        else:
            self._stream.write(f"{self._title}: {result}\n")
        self._stream.flush()

    def note(self, text: str) -> None:
        """A line of its own."""
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def _draw(self, line: str) -> None:
        self._stream.write("\r" + line.ljust(self._width))
        self._stream.flush()
        self._width = len(line)
