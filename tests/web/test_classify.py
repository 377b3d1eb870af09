"""A photo goes in, the right classes come out: through page, compiler and WebAssembly."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from playwright.sync_api import Browser
from wasmkiln.devserver.site import Site

from tests.models.images import lite0_input
from tests.shared import SHARED, needs_shared
from tests.web.pictures import SAMPLES
from tests.web.tab import Tab, open_tab

# The same photo goes through two decoders and two resizers, which differ by a level here and there.
# And the browser honours colour profiles: one of the photos has a grey one with its own gamma.
TOLERANCE = 0.08
RUN = """async (data) => {
    const { InferenceSession, Tensor } = window.wasmkiln;
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
    const image = new Tensor('float32', new Float32Array(bytes.buffer), [1, 3, 224, 224]);
    window.reference ??= await InferenceSession.create('models/efficientnet-lite0.onnx');
    const { probabilities } = await window.reference.run({ image });
    return Array.from(probabilities.data);
}"""


@pytest.fixture(scope="module")
def tab(browser: Browser, site: str) -> Iterator[Tab]:
    """One page for all photos."""
    tab = open_tab(browser, site)
    yield tab
    tab.page.context.close()


@pytest.fixture(scope="module")
def oracle(site_files: Site) -> onnxruntime.InferenceSession:
    """The default model in native onnxruntime."""
    return onnxruntime.InferenceSession(site_files.files["/models/efficientnet-lite0.onnx"])


def expected(oracle: onnxruntime.InferenceSession, path: Path) -> Any:
    """Probabilities by onnxruntime, with Pillow's preprocessing."""
    return oracle.run(None, {"image": lite0_input(path)})[0][0]


@pytest.mark.parametrize(
    ("sample", "names"),
    [
        ("cat.jpg", ("tabby", "tiger cat", "Egyptian cat")),
        ("coffee.jpg", ("espresso",)),
        ("camera.jpg", ("tripod",)),
    ],
)
def test_a_sample_shows_what_it_shows(tab: Tab, sample: str, names: tuple[str, ...]) -> None:
    tab.page.click(f"[data-sample='{sample}']")
    assert tab.settled() == "ready", tab.alert()
    guesses = tab.guesses()
    assert guesses[0].name.startswith(names)
    assert len(guesses) == 5
    percents = [float(guess.percent.removesuffix(" %").replace("under ", "")) for guess in guesses]
    assert percents == sorted(percents, reverse=True)


def photos() -> list[Path]:
    """The samples, and the shared photos where they are."""
    folders = (SAMPLES, SHARED / "images" / "imagenet-sample", SHARED / "images" / "open")
    endings = (".jpg", ".jpeg", ".png")
    return [
        p for folder in folders for p in sorted(folder.glob("*")) if p.suffix.lower() in endings
    ]


@pytest.mark.parametrize("path", photos(), ids=lambda path: path.name)
def test_a_dropped_photo_gets_onnxruntimes_answer(
    tab: Tab, oracle: onnxruntime.InferenceSession, path: Path
) -> None:
    reference = expected(oracle, path)
    assert tab.drop(path.name, path.read_bytes()) == "ready", tab.alert()
    best = tab.guesses()[0]
    assert best.index == int(reference.argmax())
    assert abs(float(best.percent.removesuffix(" %")) / 100 - reference.max()) < TOLERANCE


def test_the_same_pixels_give_the_same_probabilities(
    tab: Tab, oracle: onnxruntime.InferenceSession
) -> None:
    worst = 0.0
    for path in photos():
        image = lite0_input(path)
        data = base64.b64encode(np.ascontiguousarray(image).tobytes()).decode()
        got = np.array(tab.page.evaluate(RUN, data), np.float32)
        worst = max(worst, float(np.abs(got - oracle.run(None, {"image": image})[0][0]).max()))
    print(f"greatest difference of a probability over {len(photos())} photos: {worst:.2e}")
    assert worst < 1e-4


@needs_shared
def test_all_labelled_photos_are_there() -> None:
    assert len(list((SHARED / "images" / "imagenet-sample").glob("*.JPEG"))) == 40


def test_figures_are_shown(tab: Tab) -> None:
    tab.page.click("[data-sample='cat.jpg']")
    tab.settled()
    assert "MB" in tab.text("download")
    assert "of WebAssembly" in tab.text("compile")
    assert "ms" in tab.text("inference")
    names = tab.page.evaluate("performance.getEntriesByType('measure').map((m) => m.name).sort()")
    phases = ("boot", "compile", "download", "first-prediction")
    assert names == [f"wasmkiln:{phase}" for phase in phases]


def test_of_several_photos_at_once_the_last_is_shown(tab: Tab) -> None:
    for name in ("cat.jpg", "camera.jpg", "coffee.jpg"):
        tab.give("drop", name, (SAMPLES / name).read_bytes())
    tab.settled()
    assert tab.guesses()[0].name.startswith("espresso")
    assert tab.page.locator("#preview").get_attribute("aria-label") == "Your photo: coffee.jpg"
