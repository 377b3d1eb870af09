"""Put bytecode in the place of the modules in a zip file, for the Python that runs this.

bytecode.mjs runs it in Pyodide, for the page's Python reads no other's bytecode.
"""

from __future__ import annotations

import marshal
import sys
from importlib.util import MAGIC_NUMBER, source_hash
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

LOADER = "wasmkiln/bundle/web/"  # which the page has anyway
UNCHECKED_HASH = (1).to_bytes(4, "little")  # PEP 552: valid without a look at the source


def compile_zip(
    source: str, target: str, path: str, imported_only: bool = False, comment: str = ""
) -> None:
    """Write the zip file `source` to `target` with modules as bytecode.

    path: of the zip file where it will be imported from, as tracebacks tell it. imported_only:
    compile what this Python has imported from there, and leave the rest, for bytecode is the
    larger. comment: goes to the end of the zip file.
    """
    imported = {getattr(m, "__file__", None) for m in list(sys.modules.values())}
    with ZipFile(source) as old, ZipFile(target, "w", compresslevel=9) as new:
        new.comment = comment.encode()
        for member in old.infolist():
            name, content = member.filename, old.read(member)
            if name.startswith(LOADER):
                continue
            module = f"{path}/{name}"
            if name.endswith(".py") and (module in imported or not imported_only):
                name, content = f"{name}c", bytecode(content, module)
            new.writestr(ZipInfo(name, member.date_time), content, ZIP_DEFLATED)


def bytecode(source: bytes, path: str) -> bytes:
    """The content of a module's .pyc file."""
    code = compile(source, path, "exec", dont_inherit=True)
    return MAGIC_NUMBER + UNCHECKED_HASH + source_hash(source) + marshal.dumps(code)
