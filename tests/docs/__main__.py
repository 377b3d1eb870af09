"""Writes the generated pages of the documentation: `python -m tests.docs`."""

from tests.docs.pages import DOCS, GENERATED

for name, make in GENERATED.items():
    (DOCS / name).write_text(make(), encoding="utf-8")
    print(DOCS / name)
