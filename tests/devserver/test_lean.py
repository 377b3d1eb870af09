"""Scripts and style sheets without comments: the same code, line for line."""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from wasmkiln.devserver.lean import LEAN, lean, lean_copy
from wasmkiln.devserver.site import Site

WEB = Path(__file__).resolve().parents[2] / "web"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("// a\nb();\n", "\nb();\n"),
        ("/** a */\nb();", "\nb();"),
        ("/**\n * a\n * @param {x} b\n */\nfunction c() {}", "\n\n\n\nfunction c() {}"),
        ("  /** a */ b();", " b();"),
        ("/* a */ /* b */ c();", " c();"),
        ("/* a\n b */ c();", "\n c();"),
        ("const a = /** @type {Map<string, B>} */ (new Map());", "const a = (new Map());"),
        ("(/** @type {number} */ x) => x", "(x) => x"),
        ("a(); // https://example.com", "a(); // https://example.com"),
        ("const a = '// b';", "const a = '// b';"),
        ("const a = 'image/*';\nb();", "const a = 'image/*';\nb();"),
        ("const a = `\n// b\n/* c\n`;\n// d", "const a = `\n// b\n/* c\n`;\n"),
        ("const a = `b`;\n// c", "const a = `b`;\n"),
        ("const a = '\\`';\n// b", "const a = '\\`';\n"),
        (".a {\n  /* b */\n  c: d;\n}", ".a {\n\n  c: d;\n}"),
    ],
)
def test_only_comments_go(text: str, expected: str) -> None:
    assert lean(text) == expected


def sources() -> list[Path]:
    """The page's scripts and style sheets."""
    found = [path for path in WEB.rglob("*") if path.suffix in LEAN]
    return [path for path in sorted(found) if "node_modules" not in path.parts]


def test_lines_stay_where_they_are() -> None:
    for path in sources():
        text = path.read_text("utf-8")
        short = lean(text)
        assert short.count("\n") == text.count("\n"), path
        kept = [line for line in short.split("\n") if line.lstrip().startswith(("//", "/*"))]
        assert kept == [], path


def test_what_is_left_is_javascript(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed, which checks the syntax of modules")
    for path in sources():
        if path.suffix != ".js" or path.name == "sw.js":
            continue
        copy = tmp_path / f"{path.stem}.mjs"
        copy.write_text(lean(path.read_text("utf-8")), "utf-8")
        done = subprocess.run([node, "--check", str(copy)], capture_output=True, text=True)
        assert done.returncode == 0, f"{path}: {done.stderr}"


def test_a_copy_is_made_anew_when_the_file_changes(tmp_path: Path) -> None:
    web, copies = tmp_path / "web", tmp_path / "lean"
    web.mkdir()
    script = web / "a.js"
    script.write_text("// a\nb();\n")
    (web / "c.txt").write_text("// d\n")
    site = Site(web, {}, None, copies)
    given = site.find(("a.js",))
    assert given is not None and given.read_text() == "\nb();\n"
    assert site.find(("c.txt",)) == web / "c.txt"
    script.write_text("// a\nc();\n")
    os.utime(script, ns=(1, 1))
    assert lean_copy(script, given).read_text() == "\nc();\n"
    assert list(copies.iterdir()) == [given]


def test_many_requests_may_make_a_copy_at_once(tmp_path: Path) -> None:
    script, given = tmp_path / "a.js", tmp_path / "lean" / "a.js"
    script.write_text("// b\nc();\n" * 2000)
    expected, threads = lean(script.read_text()), 8
    together = Barrier(threads)

    def ask(_: int) -> str:
        together.wait()
        return lean_copy(script, given).read_text()

    for _ in range(10):
        given.unlink(missing_ok=True)
        with ThreadPoolExecutor(threads) as pool:
            assert set(pool.map(ask, range(threads))) == {expected}
    assert [path.name for path in given.parent.iterdir()] == ["a.js"]
