"""`wasmkiln site`: the page as static files. It works from a checkout of the sources."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

__all__ = ["add_arguments", "run"]

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("web/index.html", "models/manifest.json", "py/wasmkiln/devserver/export.py")


def add_arguments(parser: ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="where to write")
    parser.add_argument(
        "--compress", action="store_true",
        help="also write FILE.gz, and FILE.br where brotli is installed, for hosts that send these",
    )  # fmt: skip


def run(arguments: Namespace) -> int:
    """Write the page; returns the exit status."""
    missing = [name for name in NEEDED if not (ROOT / name).is_file()]
    if missing:
        print(
            "wasmkiln site works from a checkout of wasmkiln's sources, which also have the page.\n"
            f"This is {Path(__file__).parent}, without {', '.join(missing)} beside it.",
            file=sys.stderr,
        )
        return 1
    sys.path[:0] = [str(ROOT)]  # where the package with the default model's exporter is
    from .devserver.download import DownloadError
    from .devserver.export import ExportError, export_site
    from .devserver.progress import Progress
    from .devserver.site import prepare

    progress = Progress(sys.stderr)
    out = Path(arguments.output)
    try:
        site = prepare(ROOT, ROOT / ".cache", progress)
        made = export_site(site, out, progress, twins=arguments.compress)
    except (DownloadError, ExportError, OSError) as error:
        print(f"wasmkiln site: {error}", file=sys.stderr)
        return 1
    print(f"{made.files} files, {made.size / 1e6:.1f} MB, in {out}. Any host can serve it.")
    return 0
