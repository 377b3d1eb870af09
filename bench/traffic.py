"""A server that counts what it sends, and the memory of a browser's renderer."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from wasmkiln.devserver.server import SiteHandler, SiteServer
from wasmkiln.devserver.site import Site

__all__ = ["Line", "Traffic", "counting", "renderer_bytes"]


class Traffic:
    """Bytes of bodies sent since the last reset, by path; headers are not counted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.by_path: Counter[str] = Counter()

    def add(self, path: str, size: int) -> None:
        """Count a body."""
        with self._lock:
            self.by_path[path.split("?", 1)[0]] += size

    def take(self) -> Counter[str]:
        """What was counted; begins anew."""
        with self._lock:
            taken, self.by_path = self.by_path, Counter()
        return taken


class Line:
    """A line of so many bytes a second, which all connections share; without a rate it is free."""

    CHUNK = 1 << 14

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._lock = threading.Lock()
        self._free_at = 0.0

    def parts(self, first: int, count: int) -> Iterator[tuple[int, int]]:
        """The ranges of a body, each when its turn has come."""
        step = self.CHUNK if self._rate else max(count, 1)
        for start in range(first, first + count, step):
            size = min(step, first + count - start)
            self._wait(size)
            yield start, size

    def _wait(self, size: int) -> None:
        if not self._rate:
            return
        with self._lock:
            now = time.monotonic()
            self._free_at = max(now, self._free_at) + size / self._rate
            delay = self._free_at - now
        time.sleep(delay)


@contextmanager
def counting(site: Site, rate: float | None = None) -> Iterator[tuple[str, Traffic]]:
    """Serve on a free port; gives the URL and what is sent. rate: bytes a second, if limited."""
    traffic = Traffic()
    line = Line(rate)

    class Handler(SiteHandler):
        """Counts each body."""

        def _send_bytes(self, source: bytes | BufferedReader, first: int, count: int) -> None:
            traffic.add(self.path, count)
            for start, size in line.parts(first, count):
                super()._send_bytes(source, start, size)

    server = SiteServer(site, "127.0.0.1", 0)
    server.RequestHandlerClass = Handler
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.url, traffic
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def renderer_bytes(profile: Path) -> int | None:
    """Resident bytes of the largest renderer of the browser with this profile; Linux only."""
    processes = _processes()
    mark = f"--user-data-dir={profile}"
    roots = {p for p, (_, line) in processes.items() if mark in line and "--type=" not in line}
    family = set(roots)
    for _ in range(4):  # Renderers are started by zygotes, which the browser starts.
        family |= {p for p, (parent, _) in processes.items() if parent in family}
    sizes = [_resident(p) for p in family if "--type=renderer" in processes[p][1]]
    return max(sizes, default=0) or None


def _processes() -> dict[int, tuple[int, str]]:
    """Parent and command line of each process."""
    found: dict[int, tuple[int, str]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue  # It has ended meanwhile.
        found[int(folder.name)] = (parent, line)
    return found


def _resident(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(x.split()[1]) for x in lines if x.startswith("VmRSS:")), 0)
