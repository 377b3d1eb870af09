"""Bytecode for the page's Python: its standard library and our package, compiled once by Node.

Pyodide comes with the standard library as source. Compiling it takes the browser longer than all
else that Pyodide does to start, and nothing there keeps the result for the next visit. So Pyodide
itself does it here, under Node; without Node the page gets the sources, and starts slower.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from wasmkiln.devserver.download import write_atomically
from wasmkiln.devserver.progress import Progress
from wasmkiln.devserver.pyodide_core import VERSION

LIBRARY = "/lib/python314.zip"  # where Pyodide puts the standard library
PACKAGE = "/lib/wasmkiln.zip"  # as in web/python-start.js
SCRIPT = Path(__file__).with_name("bytecode.mjs")
COMPILER = Path(__file__).with_name("bytecode_zip.py")
TIMEOUT = 300  # seconds; a few are usual


@dataclass(frozen=True, slots=True)
class _Job:
    """A zip file of modules, its compiled twin, and how to compile it.

    path: of the file in the browser. key: of all that decides the twin's content, at whose end it
    stands.
    """

    source: Path
    target: Path
    path: str
    imported_only: bool
    key: str

    def is_done(self) -> bool:
        """Whether the twin is there and up to date."""
        try:
            return self.target.read_bytes().endswith(self.key.encode())
        except OSError:
            return False


def ensure_bytecode(core: Path, wheel: Path, cache: Path, progress: Progress) -> tuple[Path, Path]:
    """The standard library and the package for the page: with bytecode, else as they are."""
    library = core / "python_stdlib.zip"
    jobs = [
        # Of the library only what Pyodide imports at each start: all of it would be 1.2 MB more.
        _job(library, cache, LIBRARY, imported_only=True),
        _job(wheel, cache, PACKAGE, imported_only=False),
    ]
    missing = [job for job in jobs if not job.is_done()]
    node = shutil.which("node")
    if missing and node is not None:
        progress.begin("Bytecode of " + ", ".join(job.source.name for job in missing))
        # What Pyodide imports shows only when it starts from the sources; else it starts faster.
        start = library if jobs[0] in missing else jobs[0].target
        progress.end(_compile(node, core, start, missing))
        missing = [job for job in missing if not job.is_done()]
    first, second = (job.source if job in missing else job.target for job in jobs)
    return first, second


def _job(source: Path, cache: Path, path: str, *, imported_only: bool) -> _Job:
    whole = hashlib.sha256(f"{VERSION} {path} {imported_only}".encode())
    for file in (source, SCRIPT, COMPILER):
        whole.update(file.read_bytes())
    target = cache / "bytecode" / PurePosixPath(path).name
    return _Job(source, target, path, imported_only, whole.hexdigest())


def _compile(node: str, core: Path, library: Path, jobs: Sequence[_Job]) -> str:
    """Make the targets; the result in words."""
    with TemporaryDirectory() as folder:
        made = [Path(folder) / job.target.name for job in jobs]
        task = {
            "core": str(core),
            "library": str(library),
            "compiler": str(COMPILER),
            "jobs": [
                {
                    "source": str(job.source),
                    "target": str(target),
                    "path": job.path,
                    "importedOnly": job.imported_only,
                    "comment": job.key,
                }
                for job, target in zip(jobs, made, strict=True)
            ],
        }
        command = [node, str(SCRIPT), json.dumps(task)]
        try:
            subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=True)
        except (OSError, subprocess.SubprocessError) as error:
            return f"not made, so the page starts slower ({failure_in_words(error)})"
        for job, target in zip(jobs, made, strict=True):
            write_atomically(job.target, target.read_bytes())
    return f"{sum(job.target.stat().st_size for job in jobs) / 1e6:.1f} MB"


def failure_in_words(error: Exception) -> str:
    """What Node says of the error, or else what kept it from starting or ending."""
    written = str(getattr(error, "stderr", None) or "").splitlines()
    told = [line for line in written if "Error" in line]
    return (told or str(error).splitlines())[0].strip()[:200]
