"""A profile as onnxruntime writes it: JSON for chrome://tracing or Perfetto."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterable
from typing import Any

from ..plans import ProfileRow

__all__ = ["Trace"]


class Trace:
    """Events since its making, in microseconds."""

    def __init__(self, prefix: str) -> None:
        self.start_ns = time.time_ns()
        self._begin = time.perf_counter()
        now = time.localtime(self.start_ns // 1_000_000_000)
        stamp = time.strftime("%Y-%m-%d_%H-%M-%S", now)
        self._path = f"{prefix}_{stamp}_{self.start_ns // 1_000_000 % 1000:03}.json"
        self._events: list[dict[str, Any]] = []

    def add(self, name: str, begin: float, end: float) -> None:
        """A step of the session; times are perf_counter's."""
        self._event("Session", name, begin, end - begin, {})

    def add_rows(self, rows: Iterable[ProfileRow], begin: float) -> None:
        """Kernels of a run, one after the other."""
        for number, row in enumerate(rows):
            args = {
                "op_name": row.kernel,
                "node_index": str(number),
                "provider": "CPUExecutionProvider",
                "macs": str(row.macs),
            }
            self._event("Node", f"{row.node}_kernel_time", begin, row.seconds, args)
            begin += row.seconds

    def write(self) -> str:
        """Write the file and give its path. Raises OSError where it can't be written."""
        lines = ",\n".join(json.dumps(event) for event in self._events)
        with open(self._path, "w", encoding="utf-8") as file:
            file.write(f"[\n{lines}\n]\n")
        return self._path

    def _event(
        self, category: str, name: str, begin: float, seconds: float, args: dict[str, Any]
    ) -> None:
        self._events.append(
            {
                "cat": category,
                "pid": os.getpid(),
                "tid": threading.get_native_id(),
                "dur": round(seconds * 1e6),
                "ts": round((begin - self._begin) * 1e6),
                "ph": "X",
                "name": name,
                "args": args,
            }
        )
