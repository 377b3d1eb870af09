"""A Chromium with a camera that plays a film made of pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Playwright

from tests.browser import chromium_launch_options
from tests.patience import be_patient


def write_film(path: Path, pictures: list[Image.Image], rate: int = 30) -> None:
    """An uncompressed film (YUV4MPEG2, 4:2:0, full range) that a camera plays again and again."""
    width, height = pictures[0].size
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{rate}:1 Ip A1:1 C420jpeg\n".encode())
        for picture in pictures:
            luma, *chroma = picture.convert("YCbCr").split()
            half = (width // 2, height // 2)
            file.write(b"FRAME\n" + luma.tobytes())
            for plane in chroma:
                file.write(plane.resize(half, Image.Resampling.BOX).tobytes())


@contextmanager
def camera_browser(playwright: Playwright, *options: str) -> Iterator[Browser]:
    """A browser with these switches for its camera."""
    launch = chromium_launch_options(playwright)
    launch["args"] = [*launch["args"], *options]
    browser = playwright.chromium.launch(**launch)
    be_patient(browser)
    yield browser
    browser.close()


def film_options(film: Path) -> tuple[str, ...]:
    """Switches for a camera that plays this film and is allowed without asking."""
    return (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    )
