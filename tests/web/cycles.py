"""Memory over many sessions: `python -m tests.web.cycles --count 1000` prints it as it goes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, Playwright, sync_playwright

from bench.traffic import renderer_bytes
from tests.browser import chromium_launch_options
from tests.prepared import page_site
from tests.web.conftest import serving

MIB = 1 << 20
SETUP = """async (model) => {
    const { InferenceSession, Tensor } = await import('./session.js');
    const bytes = await (await fetch(model)).arrayBuffer();
    window.cycle = async (count) => {
        for (let i = 0; i < count; i++) {
            // Compiled, and opened from what is kept, by turns.
            const session = await InferenceSession.create(bytes, { cache: i % 2 === 1 });
            const [{ name, type, compiled }] = session.inputMetadata;
            const data = new Float32Array(compiled.reduce((a, b) => a * b, 1));
            await session.run({ [name]: new Tensor(type, data, compiled) });
            await session.release();
        }
    };
}"""


@contextmanager
def renderer(playwright: Playwright, url: str) -> Iterator[tuple[Page, Path]]:
    """A page of the site without its script, in a browser of its own, and the browser's profile."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        options = chromium_launch_options(playwright)
        context = playwright.chromium.launch_persistent_context(folder, **options)
        page = context.new_page()
        page.set_default_timeout(0)
        page.goto(url + "models/manifest.json")
        page.evaluate("history.replaceState(null, '', '/')")
        yield page, Path(folder)
        context.close()


def cycle(page: Page, profile: Path, count: int) -> float:
    """MiB of the renderer after so many sessions were made, run and released."""
    page.evaluate("(count) => window.cycle(count)", count)
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    session.detach()
    held = renderer_bytes(profile)
    assert held is not None
    return held / MIB


def main() -> int:
    """Print the memory after every tenth of the sessions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--model", default="models/efficientnet-lite0.onnx")
    options = parser.parse_args()
    files = page_site()
    with (
        sync_playwright() as playwright,
        serving(files, isolated=True) as url,
        renderer(playwright, url) as (page, profile),
    ):
        page.evaluate(SETUP, options.model)
        print(f"after 1: {cycle(page, profile, 1):.0f} MiB", flush=True)
        done, part = 1, max(1, options.count // 10)
        while done < options.count:
            some = min(part, options.count - done)
            done += some
            print(f"after {done}: {cycle(page, profile, some):.0f} MiB", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
