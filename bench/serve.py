"""Serves the page of wasmkiln with the benchmark's pages, models and peers beside it."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from wasmkiln.devserver.compress import ensure_compressed
from wasmkiln.devserver.progress import Progress
from wasmkiln.devserver.server import SiteServer
from wasmkiln.devserver.site import Site, prepare

from bench import peers
from bench.peak import FLOPS_PER_TURN, peak_module
from bench.task import Task, values
from bench.tfjs import NoProgramError, translate

__all__ = ["CACHE", "ROOT", "open_site", "publish", "publish_file", "publish_tfjs", "serving"]

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
WORK = CACHE / "bench" / "served"
RUN = WORK / str(os.getpid())  # Several may run at once.
TFJS = Path(__file__).with_name("tfjs.py")


def open_site(with_peers: bool = True) -> Site:
    """The page's site, the benchmark's own pages, and the peers' packages."""
    site = _frozen(prepare(ROOT, CACHE, Progress(sys.stderr)))
    pages = {f"/bench/{p.name}": p for p in (ROOT / "bench" / "page").iterdir()}
    packages = peers.files(peers.install(CACHE / "bench")) if with_peers else {}
    ensure_compressed(packages.values(), Progress(sys.stderr))
    made = {
        "/bench/peak.wasm": _write("peak.wasm", peak_module()),
        "/bench/peak.json": _write("peak.json", json.dumps({"flops": FLOPS_PER_TURN}).encode()),
    }
    return replace(site, files={**site.files, **pages, **packages, **made})


def publish(site: Site, tasks: Sequence[Task]) -> tuple[Site, list[Task]]:
    """The site with the tasks' models and inputs, and the tasks with their addresses."""
    files: dict[str, Path] = {}
    placed = []
    for task in tasks:
        files[f"/bench/models/{task.name}.onnx"] = task.path
        for index, given in enumerate(task.inputs):
            name = f"{task.name}.{index}.bin"
            files[f"/bench/models/{name}"] = _write(name, values(given).tobytes())
        placed.append(replace(task, url=f"models/{task.name}.onnx"))
    return replace(site, files={**site.files, **files}), placed


def publish_tfjs(site: Site, task: Task) -> Site:
    """The site with the task's program for TensorFlow.js, or with the reason why there is none."""
    names = [f"models/{task.name}.tfjs.{ending}" for ending in ("json", "bin")]
    stamp = WORK / f"models/{task.name}.tfjs.stamp"
    state = f"{task.path} {task.path.stat().st_mtime_ns} {sha256(TFJS.read_bytes()).hexdigest()}"
    if not stamp.is_file() or stamp.read_text() != state:
        try:
            contents = translate(task)
        except NoProgramError as error:
            contents = json.dumps({"missing": str(error)}).encode(), b""
        for name, content in zip(names, contents, strict=True):
            (WORK / name).parent.mkdir(parents=True, exist_ok=True)
            (WORK / name).write_bytes(content)
        stamp.write_text(state)
    return replace(site, files={**site.files, **{f"/bench/{name}": WORK / name for name in names}})


def publish_file(site: Site, name: str, content: bytes) -> Site:
    """The site with one more file, at bench/`name`."""
    return replace(site, files={**site.files, f"/bench/{name}": _write(name, content)})


@contextmanager
def serving(site: Site) -> Iterator[str]:
    """Serve on a free port of the loopback address; gives the URL."""
    server = SiteServer(site, "127.0.0.1", 0)
    # TensorFlow.js starts its threads from blobs, which the page's own policy forbids.
    server.headers.pop("Content-Security-Policy", None)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _frozen(site: Site) -> Site:
    """A copy of what is being worked on, so that a run measures one state of it."""
    atexit.register(shutil.rmtree, RUN, ignore_errors=True)
    shutil.rmtree(RUN, ignore_errors=True)
    shutil.copytree(site.static, RUN / "web")
    files = dict(site.files)
    for url, path in site.files.items():
        if path.parent in (CACHE / "wheel", CACHE / "bytecode"):
            files[url] = _write(f"{path.parent.name}/{path.name}", path.read_bytes())
    return Site(RUN / "web", files, lean=RUN / "lean")


def _write(name: str, content: bytes) -> Path:
    path = RUN / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
