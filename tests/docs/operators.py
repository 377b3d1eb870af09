"""The table of supported operators as Markdown, from the registry."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from wasmkiln.ops.base import INTERNAL, Op, registered

__all__ = ["operators"]

INTRODUCTION = Path(__file__).with_name("operators.md")

DOMAINS = {
    "": "ONNX (`ai.onnx`)",
    "ai.onnx.ml": "Traditional machine learning (`ai.onnx.ml`)",
    "com.microsoft": "onnxruntime's own (`com.microsoft`)",
}


def operators() -> str:
    """The page of web/docs/ about operators."""
    classes = sorted(registered(), key=lambda c: (c.domain, c.op_type, c.since))
    known = [c for c in classes if c.domain != INTERNAL]
    tables = {domain: _rows(group) for domain, group in groupby(known, lambda c: c.domain)}
    titles = DOMAINS | {domain: f"`{domain}`" for domain in tables if domain not in DOMAINS}
    parts = [INTRODUCTION.read_text(encoding="utf-8").rstrip()]
    for domain, title in titles.items():
        rows = tables.get(domain, [])
        parts += [
            "",
            f"## {title}: {len(rows)}",
            "",
            "| operator | versions | how |",
            "|---|---|---|",
        ]
        parts += rows
    return "\n".join(parts) + "\n"


def _rows(classes: Iterable[type[Op]]) -> list[str]:
    rows = []
    for name, group in groupby(classes, lambda c: c.op_type):
        versions = list(group)
        since = ", ".join(str(c.since) for c in versions)
        rows.append(f"| {name} | {since} | {_how(versions[-1])} |")
    return rows


def _how(cls: type[Op]) -> str:
    """How an operator runs, in the words of the introduction."""
    if cls.on_host:
        return "host"
    if cls.parts is not Op.parts:
        return "in parts"
    if hasattr(cls, "expr"):
        return "expression"
    if cls.calls_graphs:
        return "inlined"
    return "kernel" if cls.can_lower() else "composed"
