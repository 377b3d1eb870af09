"""Gives models to processes that try them, and ends those that take too long or too much memory."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import monotonic, perf_counter

__all__ = ["MAX_GROWTH", "MAX_SECONDS", "Case", "Verdict", "try_all"]

MAX_SECONDS = 10.0  # of the processor's time, which other work on the machine doesn't stretch
MAX_WAIT = 60.0  # a process that waits for what never comes uses no time
MAX_GROWTH = 1 << 30  # bytes of resident memory above what the process had before
POLL = 0.05
BATCH = 32
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Case:
    """A model to try. The name says how to make it again."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Verdict:
    """What came of a case: `bad` if anything but a result or an error of the package's."""

    case: Case
    result: str
    message: str
    seconds: float
    growth: int
    bad: bool


class _Worker:
    """One process, started again whenever it has been lost."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def attempt(self, case: Case) -> Verdict:
        """The verdict on one case."""
        process = self._process = self._process or _start()
        assert process.stdin and process.stdout
        before = _resident(process.pid)
        start, used = perf_counter(), _cpu_seconds(process.pid)
        sender = threading.Thread(target=_send, args=(process.stdin, case.data))
        sender.start()
        reason = self._wait(process, before, used)
        seconds = perf_counter() - start
        line = b"" if reason else process.stdout.readline()
        if not line:
            process.kill()
            sender.join()
            self.stop()
            result = reason or f"the process ended with {process.returncode}"
            return Verdict(case, result, "", seconds, 0, True)
        sender.join()
        answer = json.loads(line)
        growth, bad = answer["growth"], answer["ours"] != "yes"
        seconds = _cpu_seconds(process.pid) - used
        if growth > MAX_GROWTH:
            bad = True
        return Verdict(case, answer["result"], answer["message"], seconds, growth, bad)

    def _wait(self, process: subprocess.Popen[bytes], before: int, used: float) -> str:
        """Wait for an answer; why it was given up, or ''."""
        assert process.stdout
        deadline = monotonic() + MAX_WAIT
        while not select.select([process.stdout], [], [], POLL)[0]:
            if _cpu_seconds(process.pid) - used > MAX_SECONDS:
                return "takes too long"
            if monotonic() > deadline:
                return "hangs"
            if _resident(process.pid) - before > MAX_GROWTH:
                return "takes too much memory"
        return ""

    def stop(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            with suppress(BrokenPipeError), process:  # which waits, and closes the pipes
                pass


def try_all(cases: Iterable[Case], workers: int = 2) -> Iterator[Verdict]:
    """The verdicts, in the order of the cases."""
    own = threading.local()
    started: list[_Worker] = []

    def run(case: Case) -> Verdict:
        if not hasattr(own, "worker"):
            own.worker = _Worker()
            started.append(own.worker)
        worker: _Worker = own.worker
        return worker.attempt(case)

    try:
        with ThreadPoolExecutor(workers) as pool:
            rest = iter(cases)
            while some := list(islice(rest, BATCH)):  # all at once would be gigabytes of models
                yield from pool.map(run, some)
    finally:
        for worker in started:
            worker.stop()


def _start() -> subprocess.Popen[bytes]:
    paths = os.pathsep.join([str(ROOT / "py"), str(ROOT)])
    return subprocess.Popen(
        [sys.executable, "-m", "tests.hostile.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths},
    )


def _send(target: object, data: bytes) -> None:
    try:
        target.write(len(data).to_bytes(8, "little") + data)  # type: ignore[attr-defined]
        target.flush()  # type: ignore[attr-defined]
    except (BrokenPipeError, ValueError):  # the process is gone, which the reader sees as well
        pass


def _resident(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    ticks = int(fields[11]) + int(fields[12]) if len(fields) > 12 else 0
    return ticks / os.sysconf("SC_CLK_TCK")
