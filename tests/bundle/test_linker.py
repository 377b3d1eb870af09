"""Modules linked into files: they do what they do one by one, and what can't be linked says so."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from wasmkiln.bundle.linker import link
from wasmkiln.bundle.script import LinkError

MODULES = {
    "page/start.js": """
        // The order in which modules run is seen in `ran`.
        import './first.js';
        import * as lazy from './lazy.js';
        import { ran, count as size } from '../log.js';
        ran.push('start');
        export const result = lazy.both().then((late) => [...late, size(), typeof lazy.both]);
        export { ran, size as length };
        export { default_ as other } from '../log.js';
    """,
    "page/first.js": "import { ran } from '../log.js';\nran.push(`first ${`import('./x.js')`}`);\n",
    "page/lazy.js": """
        export const both = async () => {
            const [{ shown }, { Thing }] = await Promise.all([import('./view/late.js'), thing()]);
            return [shown, new Thing() instanceof (await thing()).Thing];
        };
        const thing = () => import('./thing.js'); /* import './nothing.js'; */
    """,
    "page/thing.js": "export class Thing {}\n",
    "page/view/late.js": """
        import { ran } from '../../log.js';
        import { Thing } from '../thing.js';
        ran.push('late');
        const here = import.meta.url;
        const isRight = new URL('./x.js', here).href.endsWith('/page/view/x.js');
        export const shown = isRight && new Thing().constructor.name;
    """,
    "log.js": """
        export const ran = [];
        export function count() { return ran.length; }
        export async function * several() {}
        const hidden = /import\\.meta/;
        export const default_ = hidden.source;
    """,
}
USE = """
const { modules } = await import('./page/start.js');
const { result, ran, length, other } = modules['page/start.js']();
const before = [...ran];
const given = await result;
await import('./page/late.js');
console.log(JSON.stringify({ before, given, ran, length: length(), other }));
"""


def run(files: Mapping[str, str], use: str, folder: Path) -> object:
    """What a script prints that uses some files."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed, which runs what is linked")
    for name, text in {**files, "use.mjs": use, "package.json": '{"type": "module"}'}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    command = [node, str(folder / "use.mjs")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_linked_modules_do_what_they_do_one_by_one(tmp_path: Path) -> None:
    files = link("page/start.js", MODULES.__getitem__, "page/late.js")
    assert set(files) == {"page/start.js", "page/late.js"}
    linked = run(files, USE, tmp_path / "linked")
    direct = USE.replace(
        "const { modules } = await import('./page/start.js');",
        "const start = await import('./page/start.js');\n"
        "const modules = { 'page/start.js': () => start };",
    ).replace("await import('./page/late.js');", "")
    assert linked == run(MODULES, direct, tmp_path / "direct")
    assert linked == {
        "before": ["first import('./x.js')", "start"],
        "given": ["Thing", True, 3, "function"],
        "ran": ["first import('./x.js')", "start", "late"],
        "length": 3,
        "other": "import\\.meta",
    }


def test_a_file_exports_what_its_first_module_does(tmp_path: Path) -> None:
    (text,) = link("log.js", MODULES.__getitem__).values()
    use = "import { count, ran } from './log.js';\nran.push(1);\nconsole.log(count());"
    assert run({"log.js": text}, use, tmp_path) == 1


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("export default 1;", "a.js: `export default 1;` is of a form that is not linked"),
        ("export let a = 1;", "a.js: `export let a = 1;` is of a form"),
        ("export const { a } = b;", "a.js: `export const { a } = b;` is of a form"),
        ("export * from './b.js';", "of a form"),
        ("import b from './b.js';", "a.js: `import b from './b.js';` is of a form"),
        ("a(import.meta.resolve);", "a.js: `import.meta.resolve);` is of a form"),
        ("import { a } from 'b';", "a.js: 'b' is not a path below the root"),
        ("import('./b.js');", "a.js: there is no file for b.js"),
        ("import { c } from './b.js';", "a.js: b.js does not export c"),
        ("import './a.js';", "modules import each other: a.js → a.js"),
        ("import './c.js';", "modules import each other: a.js → c.js → a.js"),
        ("const $errors = 1;", "a.js: $errors is a name that linking gives"),
        ("a = 'b", "a.js: line 1: a text has no end"),
    ],
)
def test_what_is_not_linked(source: str, message: str) -> None:
    modules = {"a.js": source, "b.js": "export const b = 1;", "c.js": "import './a.js';"}
    with pytest.raises(LinkError) as raised:
        link("a.js", modules.__getitem__)
    assert message in str(raised.value)
