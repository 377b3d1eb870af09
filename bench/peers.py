"""Install the peers' npm packages, pinned by package.json, and say which files to serve."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
ORT = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
TFJS_WASM = (
    "tf-backend-wasm.min.js",
    "tfjs-backend-wasm.wasm",
    "tfjs-backend-wasm-simd.wasm",
    "tfjs-backend-wasm-threaded-simd.wasm",
)


def install(folder: Path) -> Path:
    """Install the packages under a folder once; gives node_modules."""
    modules = folder / "node_modules"
    pinned = (HERE / "package.json").read_bytes()
    stamp = folder / "package.json"
    if modules.is_dir() and stamp.is_file() and stamp.read_bytes() == pinned:
        return modules
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("the benchmark installs its peers with npm, which is not on the PATH")
    folder.mkdir(parents=True, exist_ok=True)
    stamp.write_bytes(pinned)
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]
    subprocess.run(command, cwd=folder, check=True)
    return modules


def files(modules: Path) -> dict[str, Path]:
    """Files of the peers by their URL path."""
    ort = modules / "onnxruntime-web" / "dist"
    core, wasm = (modules / "@tensorflow" / n / "dist" for n in ("tfjs-core", "tfjs-backend-wasm"))
    found = {f"/bench/onnxruntime-web/{name}": ort / name for name in ORT}
    found["/bench/tfjs/tf-core.min.js"] = core / "tf-core.min.js"
    return found | {f"/bench/tfjs/{name}": wasm / name for name in TFJS_WASM}


def page_files(folder: Path) -> dict[str, Path]:
    """What the page needs to compare itself with a peer that is installed under a folder, if any.

    By URL path: onnxruntime-web's files, and peers.json, which tells the page their version.
    """
    package = folder / "node_modules" / "onnxruntime-web"
    found = {
        url: path for url, path in files(package.parent).items() if path.parent == package / "dist"
    }
    if not all(path.is_file() for path in found.values()):
        return {}
    version = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    listing = folder / "peers.json"
    listing.write_text(json.dumps({"onnxruntime-web": version}), encoding="utf-8")
    return found | {"/peers.json": listing}
