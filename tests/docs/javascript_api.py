"""The reference of the JavaScript API as Markdown, from JSDoc, by TypeDoc."""

from __future__ import annotations

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.prepared import node_modules
from tests.shared import ROOT

__all__ = ["javascript_api"]

_INTRODUCTION = """\
# JavaScript API

<!-- Made by python -m tests.docs from the comments in web/. -->

Names and meanings are onnxruntime-web's. The [README](../../README.md) has examples.
"""


def javascript_api() -> str:
    """The page of web/docs/ about JavaScript. Needs npm, or skips the test that calls it."""
    modules = node_modules(Path(__file__).parent)
    with TemporaryDirectory() as folder:
        options = {
            "plugin": modules / "typedoc-plugin-markdown" / "dist" / "index.js",
            "tsconfig": ROOT / "web" / "tsconfig.json",
            "entryPoints": ROOT / "web" / "index.js",
            "out": folder,
            "outputFileStrategy": "modules",
            "name": "JavaScript API",
            "readme": "none",
            "parametersFormat": "table",
            "propertiesFormat": "table",
            "sort": "source-order",
            "logLevel": "Error",
        }
        command = [str(modules / ".bin" / "typedoc")]
        command += [word for name, value in options.items() for word in (f"--{name}", str(value))]
        command += ["--hideBreadcrumbs", "--hidePageHeader", "--hidePageTitle", "--disableSources"]
        command += [
            "--excludeExternals",
            "--skipErrorChecking",
        ]  # the pinned TypeScript of tests/web checks them
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr + done.stdout
        text = (Path(folder) / "README.md").read_text(encoding="utf-8")
    return _INTRODUCTION + "\n" + text.strip() + "\n"
