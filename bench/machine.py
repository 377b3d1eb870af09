"""What the figures were taken on and with: the machine, and the versions of all that took part."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from wasmkiln import __version__

__all__ = ["machine_facts"]

HERE = Path(__file__).resolve().parent


def machine_facts(chromium: str, peak: dict[str, Any]) -> dict[str, Any]:
    """Facts for the report; `peak` is what the browser measured."""
    pinned = json.loads((HERE / "package.json").read_text())["dependencies"]
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.release()}",
        "command": "python -m bench " + " ".join(sys.argv[1:]),
        "peak_gflops": round(peak["gflops"], 2),
        "versions": {
            "wasmkiln": __version__,
            "commit": _commit(),
            "chromium": chromium,
            "python": platform.python_version(),
            **{name: _installed(name) for name in ("onnxruntime", "onnx", "numpy")},
            **pinned,
        },
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    command = ["git", "rev-parse", "--short", "HEAD"]
    try:
        done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
