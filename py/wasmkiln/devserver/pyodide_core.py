"""The Pyodide core, pinned by SHA-256: the interpreter that the page runs the compiler in.

It is the npm package `pyodide`. It's taken through npm where there is one, else by HTTPS from the
registry that npm is configured for, else file by file from the CDN.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

from wasmkiln.devserver.download import (
    Artefact,
    DownloadError,
    fetch,
    fetch_by_command,
    write_atomically,
)
from wasmkiln.devserver.progress import Progress

VERSION = "314.0.7"
TARBALL = Artefact(
    f"pyodide-{VERSION}.tgz",
    6488647,
    "66b7949e5a0cba2250b586d7e368bf12fb482800748d182c4618254b685ffaa0",
)
FILES = (
    Artefact(
        "pyodide.asm.mjs",
        1250344,
        "f7cdc8ece80678ceb712f8e65ebe6d3a83203a180c399865f49612a051693635",
    ),
    Artefact(
        "pyodide.asm.wasm",
        9598218,
        "cc36e3cab04fdfc9a63ff13eb52eae2b911bf46c025cc7b281f394bd3de1d5e6",
    ),
    Artefact(
        "python_stdlib.zip",
        2545637,
        "fa1957e5777068fc4f7437f96d860ae2fbe9c19732ba06c84e004ec16dd7dd7a",
    ),
    Artefact(
        "pyodide.mjs",
        17931,
        "6f1d60f7bf529beb300f0f47983c921d3982363640ba20af0e38efdddbc66109",
    ),
    Artefact(
        "pyodide-lock.json",
        119077,
        "5dc2fc119108bc148c7457dc86e7675b5c87e1cafd420b9c34c1eaef7b36c010",
    ),
)
REGISTRY = "https://registry.npmjs.org/"
CDN = f"https://cdn.jsdelivr.net/npm/pyodide@{VERSION}/"


def ensure_core(cache: Path, progress: Progress) -> Path:
    """The folder with the core's files; whatever is missing or wrong is fetched."""
    folder = cache / f"pyodide-{VERSION}"
    missing = [file for file in FILES if not file.is_at(folder / file.name)]
    if not missing:
        return folder
    failures = []
    downloads = cache / "downloads"
    npm = shutil.which("npm")
    try:
        if npm is not None:
            try:
                return _unpack(_by_npm(npm, downloads, progress), folder, missing)
            except DownloadError as error:
                failures.append(str(error))
        try:
            registry, cafile = npm_configuration(npm)
            url = f"{registry.rstrip('/')}/pyodide/-/{TARBALL.name}"
            return _unpack(fetch(TARBALL, [url], downloads, progress, cafile), folder, missing)
        except DownloadError as error:
            failures.append(str(error))
        for file in missing:
            fetch(file, [CDN + file.name], folder, progress)
    except DownloadError as error:
        failures.append(str(error))
        raise DownloadError(_advice(failures, downloads / TARBALL.name)) from None
    return folder


def npm_configuration(npm: str | None) -> tuple[str, str | None]:
    """npm's registry and its file of certificate authorities, from npm itself or its files."""
    if npm is not None:
        registry, cafile = (_npm_value(npm, key) for key in ("registry", "cafile"))
        return registry or REGISTRY, cafile
    values = {"registry": REGISTRY, "cafile": ""}
    for place in ("/etc/npmrc", "/usr/etc/npmrc", "/usr/local/etc/npmrc", "~/.npmrc"):
        values.update(read_npmrc(Path(place).expanduser()))
    for key in values:
        values[key] = os.environ.get(f"npm_config_{key}", values[key])
    return values["registry"], values["cafile"] or None


def read_npmrc(path: Path) -> dict[str, str]:
    """`registry` and `cafile`, where the file sets them."""
    found = {}
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    for line in lines:
        key, _, value = line.partition("=")
        if key.strip() in ("registry", "cafile") and value.strip():
            found[key.strip()] = value.strip().strip("\"'")
    return found


def _npm_value(npm: str, key: str) -> str | None:
    try:
        done = subprocess.run(
            [npm, "config", "get", key], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    value = done.stdout.strip()
    return value if value not in ("", "null", "undefined") else None


def _by_npm(npm: str, downloads: Path, progress: Progress) -> Path:
    # Few retries: without a network npm would otherwise try for more than a minute.
    command = [npm, "pack", f"pyodide@{VERSION}", "--pack-destination", "{into}", "--silent"]
    command += ["--ignore-scripts", "--fetch-retries=1", "--fetch-retry-mintimeout=1000"]
    return fetch_by_command(TARBALL, command, downloads, progress)


def _unpack(tarball: Path, folder: Path, files: list[Artefact]) -> Path:
    """Write the files wanted from the tarball, which is no longer needed then."""
    with tarfile.open(tarball) as archive:
        for file in files:
            member = archive.extractfile(f"package/{file.name}")
            assert member is not None, f"{file.name} is missing in a tarball whose SHA-256 is right"
            write_atomically(folder / file.name, member.read())
    tarball.unlink()
    return folder


def _advice(failures: list[str], tarball: Path) -> str:
    tried = "\n".join(f"  {line}" for failure in failures for line in failure.splitlines())
    return (
        f"The Pyodide core {VERSION} could not be fetched:\n{tried}\n"
        "Check the network (HTTPS_PROXY, SSL_CERT_FILE and npm's `registry` are honoured) and "
        "start again: it goes on where it stopped.\n"
        f"Or put {TARBALL.name} (npm pack pyodide@{VERSION}) at\n  {tarball}\n"
        f"  SHA-256 {TARBALL.sha256}"
    )
