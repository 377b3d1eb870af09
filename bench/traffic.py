"""A server that counts what it sends, and the memory of a browser's renderer."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from wasmkiln.devserver.server import SiteHandler, SiteServer
from wasmkiln.devserver.site import Site

__all__ = ["Traffic", "counting", "renderer_bytes"]


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


@contextmanager
def counting(site: Site) -> Iterator[tuple[str, Traffic]]:
    """Serve on a free port; gives the URL and what is sent."""
    traffic = Traffic()

    class Handler(SiteHandler):
        """Counts each body."""

        def _send_bytes(self, source: bytes | BufferedReader, first: int, count: int) -> None:
            traffic.add(self.path, count)
            super()._send_bytes(source, first, count)

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
