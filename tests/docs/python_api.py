"""The reference of the Python API as Markdown, from signatures and docstrings, by griffe2md."""

from __future__ import annotations

import griffe
import griffe2md
import wasmkiln

from tests.shared import ROOT

__all__ = ["python_api"]

# What a program uses beside the names of the package itself.
MODULES = ("wasmkiln.handles", "wasmkiln.testing")
CONFIG = griffe2md.ConfigDict(
    docstring_style="auto",
    filters=["!^_"],
    heading_level=3,
    show_root_heading=True,
    show_root_full_path=False,
    show_if_no_docstring=True,
    show_submodules=False,
    show_bases=True,
    summary=False,
    separate_signature=True,
    show_root_members_full_path=False,
    show_object_full_path=False,
    show_signature_annotations=True,
    signature_crossrefs=False,
    line_length=100,
    inherited_members=False,
)


def python_api() -> str:
    """The page of web/docs/ about Python."""
    loader = griffe.GriffeLoader(search_paths=[ROOT / "py"])
    package = loader.load("wasmkiln")
    loader.resolve_aliases(external=False)
    parts = ["# Python API", "", _INTRODUCTION, ""]
    for name in sorted(wasmkiln.__all__, key=_kind):
        if not name.startswith("__"):
            parts += [_render(package[name]), ""]
    for path in MODULES:
        module = package[path.removeprefix("wasmkiln.")]
        parts += [f"## {path}", "", str(module.docstring.value if module.docstring else ""), ""]
        parts += [f"{_render(module[name])}\n" for name in module.exports or ()]
    return "\n".join(parts).rstrip() + "\n"


_INTRODUCTION = """\
<!-- Made by python -m tests.docs from the docstrings. -->

Names and meanings are onnxruntime's. The [README](../../README.md) has examples."""


def _kind(name: str) -> tuple[int, str]:
    """Sessions first, then other classes, functions, and errors."""
    if name == "InferenceSession":
        return 0, name
    if name.endswith(("Error", "Warning")):
        return 3, name
    return (1 if name[0].isupper() else 2), name


def _render(item: griffe.Object | griffe.Alias) -> str:
    if item.is_alias:
        item = item.final_target  # type: ignore[union-attr]
    text = griffe2md.render_object_docs(item, CONFIG)
    lines = (line.rstrip() for line in text.splitlines())
    return "\n".join(lines).strip()
