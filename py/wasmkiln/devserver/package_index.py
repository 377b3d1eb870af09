"""A package index of one project (PEP 503 and 691): pip and micropip install wasmkiln from it.

await micropip.install("wasmkiln", index_urls="http://127.0.0.1:8000/simple")
"""

from __future__ import annotations

import email
import hashlib
import html
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

from wasmkiln.devserver.negotiate import preferred_type

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"
PLAIN_HTML = "text/html"  # Also for those who take anything, so it stands first.
TYPES = (PLAIN_HTML, JSON, HTML)
ROOT = "simple"
WHEELS = "/wheel/"


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the index: its media type and its content."""

    kind: str
    content: bytes


@dataclass(frozen=True, slots=True)
class PackageIndex:
    """What an index says of the project and of its only wheel."""

    name: str
    version: str
    requires_python: str
    filename: str
    sha256: str
    size: int

    @staticmethod
    def of(wheel: Path) -> PackageIndex:
        """The index of a wheel, by the metadata in it."""
        content = wheel.read_bytes()
        name, version, *_ = wheel.name.split("-")
        with zipfile.ZipFile(wheel) as archive:
            metadata = email.message_from_bytes(
                archive.read(f"{name}-{version}.dist-info/METADATA")
            )
        return PackageIndex(
            metadata["Name"],
            metadata["Version"],
            metadata["Requires-Python"],
            wheel.name,
            hashlib.sha256(content).hexdigest(),
            len(content),
        )

    @property
    def url(self) -> str:
        """The URL path of the wheel, whose last part has to be the wheel's own name."""
        return WHEELS + self.filename

    def page(self, segments: tuple[str, ...], origin: str, accept: str) -> Page | None:
        """The page at a URL path's segments; None where the index has none.

        origin: of this server, like `http://127.0.0.1:8000`; micropip wants whole URLs in JSON.
        accept: the request's header of that name.
        """
        path = segments[:-1] if segments and not segments[-1] else segments
        if path not in ((ROOT,), (ROOT, self.name)):
            return None
        kind = preferred_type(accept, TYPES)
        detail = len(path) > 1
        if kind == JSON:
            data = self._project(origin) if detail else {"projects": [{"name": self.name}]}
            meta = {"api-version": "1.1"}
            return Page(JSON, json.dumps({"meta": meta, **data}, indent=1).encode())
        title = f"Links for {self.name}" if detail else "Simple index"
        link = self._wheel_link() if detail else f'<a href="/{ROOT}/{self.name}/">{self.name}</a>'
        text = (
            '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
            f'<meta name="pypi:repository-version" content="1.1"><title>{title}</title></head>\n'
            f"<body>\n<h1>{title}</h1>\n{link}\n</body>\n</html>\n"
        )
        return Page(f"{kind}; charset=utf-8", text.encode())

    def _project(self, origin: str) -> dict[str, object]:
        file = {
            "filename": self.filename,
            "url": origin + self.url,
            "hashes": {"sha256": self.sha256},
            "requires-python": self.requires_python,
            "size": self.size,
        }
        return {"name": self.name, "versions": [self.version], "files": [file]}

    def _wheel_link(self) -> str:
        python = html.escape(self.requires_python)
        return (
            f'<a href="{self.url}#sha256={self.sha256}" data-requires-python="{python}">'
            f"{self.filename}</a>"
        )
