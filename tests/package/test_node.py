"""The packed package in Node: worker threads, files by path, Pyodide from npm."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from tests.package.conftest import command, unpack
from tests.web.models import convolutional_model


@pytest.fixture(scope="module")
def printed(app: Path) -> dict[str, Any]:
    """What the app in Node prints at its end."""
    models = [str(app / "public" / f"{name}.onnx") for name in ("conv", "grey", "external")]
    output = command(["node", "node.mjs", *models], app)
    printed: dict[str, Any] = json.loads(output.splitlines()[-1])
    return printed


def test_models_from_paths_urls_and_bytes(printed: dict[str, Any]) -> None:
    x = np.sin(np.arange(3 * 33 * 29)).astype(np.float32).reshape(1, 3, 33, 29)
    (expected,) = onnxruntime.InferenceSession(convolutional_model()).run(None, {"x": x})
    assert len(printed["results"]) == 5
    for result in printed["results"]:
        assert result["threads"] == 2
        assert result["dims"] == [1, 7]
        np.testing.assert_allclose(result["data"], expected[0], 1e-3, 1e-4)


def test_sessions(printed: dict[str, Any]) -> None:
    download = ["initiate", "download", "progress", "done"]
    assert printed["events"] == [*download, "compile", "warmup", "ready"]
    assert printed["same"] and printed["released"]
    assert printed["rows"] > 2
    assert printed["separate"] == [10, 21, 16, 28]
    assert {"manifest.json", "model.wasm"} <= set(printed["files"])


def test_pipelines_take_pixels(printed: dict[str, Any]) -> None:
    assert printed["label"] == "f"


def test_errors(printed: dict[str, Any]) -> None:
    name, message = printed["missing"]
    assert name == "DownloadError"
    assert message.startswith("none.onnx could not be read (ENOENT")
    name, message = printed["noModel"]
    assert name == "DownloadError"
    assert "pipeline needs a model that is described, or env.models" in message


def test_without_pyodide_the_error_says_what_to_do(
    tarball: Path, app: Path, tmp_path: Path
) -> None:
    (tmp_path / "node_modules").mkdir()
    unpack(tarball, tmp_path / "node_modules" / "wasmkiln")
    for name in ("work.js", "package.json"):
        shutil.copy(app / name, tmp_path)
    model = json.dumps(str(app / "public" / "conv.onnx"))
    (tmp_path / "main.mjs").write_text(
        f"import {{ failure }} from './work.js';\nconsole.log(await failure({model}));"
    )
    output = command(["node", "main.mjs"], tmp_path)
    assert "DownloadError" in output
    assert "npm install pyodide, or set env.pyodide.indexURL" in output
    folder = json.dumps(str(app / "node_modules" / "pyodide"))
    (tmp_path / "main.mjs").write_text(
        f"import {{ env, run }} from './work.js';\nenv.pyodide.indexURL = {folder};\n"
        f"const zeros = new Float32Array(3 * 33 * 29);\n"
        f"console.log((await run({model}, zeros)).dims);"
    )
    assert "[ 1, 7 ]" in command(["node", "main.mjs"], tmp_path)


def test_a_failed_import_ends_the_process(app: Path) -> None:
    script = "import { nonsense } from 'wasmkiln'; console.log(nonsense);"
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script], cwd=app, capture_output=True, timeout=60
    )
    assert done.returncode != 0
    assert re.search(rb"does not provide an export named 'nonsense'", done.stderr)
