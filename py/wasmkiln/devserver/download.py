"""Files from the network, believed only when their SHA-256 is the pinned one.

A file is written as NAME.part and renamed when it is whole and right, so that what bears the
final name is always good. A broken transfer leaves its .part; the next attempt asks for the rest.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from threading import get_ident
from urllib.parse import urlsplit

from wasmkiln.devserver.progress import Progress

CHUNK = 1 << 16
TIMEOUT = 30  # Seconds without a byte.
COMMAND_TIMEOUT = 600


class DownloadError(Exception):
    """A file couldn't be had; the message says from where, why, and what to do."""


@dataclass(frozen=True, slots=True)
class Artefact:
    """A file that is pinned: its name, exact size in bytes and SHA-256."""

    name: str
    size: int
    sha256: str

    def is_at(self, path: Path) -> bool:
        """Whether `path` holds exactly this file."""
        try:
            return path.stat().st_size == self.size and sha256_of(path) == self.sha256
        except OSError:
            return False


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomically(path: Path, content: bytes, modified_ns: int | None = None) -> None:
    """Write a file that is either there whole or not at all; several threads may at once.

    modified_ns: its time of modification; now, if absent.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{get_ident()}.tmp")
    try:
        temporary.write_bytes(content)
        if modified_ns is not None:
            os.utime(temporary, ns=(modified_ns, modified_ns))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_changed(path: Path, content: bytes) -> None:
    """Write a file unless it has this content, so that its time tells when that changed."""
    if not path.is_file() or path.read_bytes() != content:
        write_atomically(path, content)


def fetch(
    artefact: Artefact,
    urls: Iterable[str],
    folder: Path,
    progress: Progress,
    cafile: str | None = None,
) -> Path:
    """The artefact in `folder`, taken from the first of `urls` that gives the right bytes."""
    target = folder / artefact.name
    if artefact.is_at(target):
        return target
    folder.mkdir(parents=True, exist_ok=True)
    failures = []
    for url in urls:
        progress.begin(f"{artefact.name} from {urlsplit(url).netloc}", artefact.size)
        try:
            _fetch_from(url, artefact, target, progress, cafile)
        except (OSError, HTTPException, DownloadError) as error:
            progress.end("failed")
            failures.append(f"{url}: {error or type(error).__name__}")
            continue
        progress.end(f"{artefact.size / 1e6:.1f} MB")
        return target
    raise DownloadError("\n".join(failures))


def fetch_by_command(
    artefact: Artefact, command: Sequence[str], folder: Path, progress: Progress
) -> Path:
    """The artefact by way of a package manager, told to put it at '{into}' in `command`."""
    target = folder / artefact.name
    if artefact.is_at(target):
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="command-") as scratch:
        into = Path(scratch)
        progress.begin(f"{artefact.name} by {_command_name(command)}", artefact.size)
        try:
            _run_watched(
                [part.replace("{into}", scratch) for part in command], into, artefact.size, progress
            )
            if not artefact.is_at(into / artefact.name):
                raise DownloadError("it gave another file than the pinned one (SHA-256 differs)")
            (into / artefact.name).replace(target)
        except (OSError, DownloadError) as error:
            progress.end("failed")
            raise DownloadError(f"{_command_name(command)}: {error}") from None
    progress.end(f"{artefact.size / 1e6:.1f} MB")
    return target


def _fetch_from(
    url: str, artefact: Artefact, target: Path, progress: Progress, cafile: str | None
) -> None:
    part = target.with_name(target.name + ".part")
    resumed = part.exists()
    _transfer(url, artefact, part, progress, cafile)
    if resumed and not artefact.is_at(part):
        # What an earlier attempt left may be of another file: once more from the start.
        part.unlink()
        _transfer(url, artefact, part, progress, cafile)
    if not artefact.is_at(part):
        part.unlink()
        raise DownloadError("the file differs from the pinned one (SHA-256); it was thrown away")
    part.replace(target)


def _transfer(
    url: str, artefact: Artefact, part: Path, progress: Progress, cafile: str | None
) -> None:
    """Bring `part` to the artefact's size, asking for nothing that it already holds."""
    have = part.stat().st_size if part.exists() else 0
    if have >= artefact.size:
        return
    # The bytes as they are: a Content-Encoding would make sizes and ranges meaningless.
    headers = {"Accept-Encoding": "identity", "User-Agent": "wasmkiln-serve"}
    if have:
        headers["Range"] = f"bytes={have}-"
    request = urllib.request.Request(url, headers=headers)
    context = ssl.create_default_context(cafile=cafile) if url.startswith("https:") else None
    with urllib.request.urlopen(request, timeout=TIMEOUT, context=context) as response:
        if not (response.status == 206 and _starts_at(response, have)):
            have = 0
        with part.open("ab" if have else "wb") as file:
            while chunk := response.read(CHUNK):
                have += len(chunk)
                if have > artefact.size:
                    raise DownloadError(f"the server sends more than {artefact.size} bytes")
                file.write(chunk)
                progress.update(have)
    if have < artefact.size:
        raise DownloadError(f"the connection ended after {have} of {artefact.size} bytes")


def _starts_at(response: HTTPResponse, offset: int) -> bool:
    return (response.headers["Content-Range"] or "").startswith(f"bytes {offset}-")


def _command_name(command: Sequence[str]) -> str:
    return "pip" if "pip" in command else Path(command[0]).stem


def _run_watched(command: Sequence[str], folder: Path, size: int, progress: Progress) -> None:
    """Run a command to its end; what grows in `folder`, its TMPDIR too, is its progress."""
    temporary = folder / "tmp"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary), "TEMP": str(temporary)}
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
        )
        try:
            deadline = time.monotonic() + COMMAND_TIMEOUT
            while process.poll() is None:
                if time.monotonic() > deadline:
                    raise DownloadError(f"no end after {COMMAND_TIMEOUT} seconds")
                # It may keep a second copy for a moment, so the count may overshoot.
                progress.update(min(size, _bytes_under(folder)))
                time.sleep(0.1)
        finally:
            process.kill()
            process.wait()
        if process.returncode:
            output.seek(0)
            lines = output.read().decode(errors="replace").strip().splitlines()
            raise DownloadError(lines[-1] if lines else f"exit status {process.returncode}")
    shutil.rmtree(temporary, ignore_errors=True)


def _bytes_under(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(parent, name)).st_size
            except OSError:
                continue  # Moved or removed since it was listed.
    return total
