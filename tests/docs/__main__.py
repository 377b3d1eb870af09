"""Writes the generated pages of the documentation: `python -m tests.docs`."""

from tests.docs.pages import DOCS, generated

for name, text in generated().items():
    (DOCS / name).write_text(text, encoding="utf-8")
    print(DOCS / name)
