"""What the npm package needs beside web/*.js: the compiled Python package, types and licence.

`npm pack` in web/ runs this before, and with --clean after it.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
WEB = ROOT / "web"
MADE = ("wheel", "types", "LICENSE")
TSC = ROOT / "tests" / "web" / "node_modules" / ".bin" / "tsc"


def main(arguments: list[str] | None = None) -> int:
    """Make the files, or remove them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clean", action="store_true", help="remove what was made")
    options = parser.parse_args(arguments)
    clean()
    if not options.clean:
        make()
    return 0


def make() -> None:
    """Make the files in web/."""
    sys.path[:0] = [str(ROOT / "py"), str(ROOT)]
    from wasmkiln.devserver.bytecode import ensure_bytecode
    from wasmkiln.devserver.progress import Progress
    from wasmkiln.devserver.pyodide_core import ensure_core
    from wasmkiln.devserver.wheel import ensure_wheel

    progress, cache = Progress(sys.stderr), ROOT / ".cache"
    core = ensure_core(cache, progress)
    wheel, info = ensure_wheel(ROOT, cache, progress)
    _, package = ensure_bytecode(core, wheel, cache, progress)
    (WEB / "wheel").mkdir()
    shutil.copyfile(package, WEB / "wheel" / "wasmkiln.zip")
    shutil.copyfile(info, WEB / "wheel" / "wasmkiln.json")
    shutil.copyfile(ROOT / "LICENSE", WEB / "LICENSE")
    write_types(WEB / "types")


def write_types(folder: Path) -> None:
    """The types of index.js and of all that it imports, from their comments."""
    if not TSC.exists():
        sys.exit(f"{TSC} is missing: npm ci --prefix tests/web")
    command = [str(TSC), "-p", str(WEB / "tsconfig.types.json"), "--outDir", str(folder)]
    subprocess.run(command, check=True)
    index = folder / "index.d.ts"
    # Sessions are disposable, which not every target's library knows of.
    reference = '/// <reference lib="esnext.disposable" />\n'
    index.write_text(reference + index.read_text("utf-8"), "utf-8")


def clean() -> None:
    """Remove what `make` makes."""
    for name in MADE:
        path = WEB / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
