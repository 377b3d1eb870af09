#!/usr/bin/env python3
"""Makes what the page needs (Pyodide, our wheel, the default model) and serves it.

    python serve.py

Needs Python 3.11 or newer and nothing else. The first start fetches about 24 MB, later ones none.
Where there is Node, it compiles the page's Python beforehand, and the page starts in half the time.
"""

from __future__ import annotations

import argparse
import errno
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wasmkiln.devserver.progress import Progress
    from wasmkiln.devserver.site import Site

ROOT = Path(__file__).resolve().parent
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def main(arguments: list[str] | None = None) -> int:
    """Prepare and serve, until Ctrl-C."""
    # Started by hand, so maybe with a Python older than pyproject.toml allows.
    if sys.version_info < (3, 11):  # noqa: UP036
        sys.exit("serve.py needs Python 3.11 or newer, and this is " + sys.version.split()[0])
    options = parse_arguments(arguments)
    # The sources beside this file, not an installed copy, are what is served.
    sys.path[:0] = [str(ROOT / "py"), str(ROOT)]
    from wasmkiln.devserver.download import DownloadError
    from wasmkiln.devserver.progress import Progress
    from wasmkiln.devserver.site import Site, prepare

    from bench.peers import page_files

    progress = Progress(sys.stderr)
    try:
        site = prepare(ROOT, ROOT / ".cache", progress)
        if options.prepare_only:
            return 0
        files = {**site.files, **page_files(ROOT / ".cache" / "bench")}
        return serve(Site(site.static, files, site.index, site.lean), options, progress)
    except DownloadError as error:
        sys.exit(f"\n{error}")
    except OSError as error:
        sys.exit(f"serve.py: {error}")
    except KeyboardInterrupt:
        progress.note("")
        return 130


def serve(site: Site, options: argparse.Namespace, progress: Progress) -> int:
    """Serve the site until Ctrl-C; 2 where the address can't be had."""
    from wasmkiln.devserver.server import SiteServer

    log = progress.note if options.verbose else None
    try:
        server = SiteServer(
            site, options.host, options.port, isolated=not options.no_isolation, log=log
        )
    except (OSError, UnicodeError) as error:
        progress.note(explain_address(error, options.host, options.port))
        return 2
    with server:
        if options.host not in LOOPBACK:
            progress.note(
                "Anyone who reaches this machine can open the page. Over plain HTTP, browsers "
                "give shared memory (threads) to localhost only."
            )
        print(f"Open {server.url} (Ctrl-C stops)", flush=True)
        if options.open:
            webbrowser.open(server.url)
        try:
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            progress.note("")
    return 0


def explain_address(error: OSError | UnicodeError, host: str, port: int) -> str:
    """Why the server can't listen there, and what to do."""
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return (
            f"Port {port} of {host} is in use, maybe by another serve.py. "
            "Choose another with --port, or --port 0 for any free one."
        )
    if number in (errno.EACCES, errno.EPERM):
        return f"Port {port} of {host} is not allowed to you. Choose one above 1023 with --port."
    return f"Cannot listen on {host} port {port}: {error}"


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Prepare and serve the wasmkiln page.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (loopback)")
    parser.add_argument("--port", type=int, default=8000, help="port (8000); 0 for any free one")
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    parser.add_argument("--verbose", action="store_true", help="print every request")
    parser.add_argument(
        "--no-isolation",
        action="store_true",
        help="leave out COOP and COEP, to see the page without shared memory and threads",
    )
    parser.add_argument(
        "--prepare-only", action="store_true", help="fetch and make everything, then exit"
    )
    options = parser.parse_args(arguments)
    if not 0 <= options.port <= 65535:
        parser.error(f"--port {options.port}: a port is a number from 0 to 65535")
    return options


if __name__ == "__main__":
    sys.exit(main())
