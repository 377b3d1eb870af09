"""pipeline('image-classification'): any picture goes in, labels and scores come out."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.web.lab import error, run
from tests.web.models import small_model
from tests.web.pictures import SAMPLES

# One pipeline for all tests of the module, and the cat as what each source is made from.
SETUP = """
const { pipeline } = await import('./pipeline.js');
window.classify ??= await pipeline('image-classification');
const classify = window.classify;
const file = new Blob([bytes(given[0])]);
const drawn = async (canvas) => {
    const bitmap = await createImageBitmap(file);
    [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
    canvas.getContext('2d').drawImage(bitmap, 0, 0);
    return canvas;
};
const pixels = async () => {
    const canvas = await drawn(new OffscreenCanvas(1, 1));
    return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
};
"""
CAT = (SAMPLES / "cat.jpg").read_bytes()
SOURCES = {
    "a Blob": "file",
    "a File": "new File([file], 'cat.jpg')",
    "a URL": "new URL('samples/cat.jpg', location.href)",
    "a URL's text": "'samples/cat.jpg'",
    "an ImageBitmap": "await createImageBitmap(file)",
    "an image element": "Object.assign(new Image(), { src: 'samples/cat.jpg' })",
    "a canvas": "await drawn(document.createElement('canvas'))",
    "an offscreen canvas": "await drawn(new OffscreenCanvas(1, 1))",
    "a video frame": "new VideoFrame(await createImageBitmap(file), { timestamp: 0 })",
    "ImageData": "await pixels()",
}


@pytest.mark.parametrize("source", SOURCES)
def test_a_picture_may_be(lab: Page, source: str) -> None:
    got = run(lab, f"{SETUP} return classify({SOURCES[source]}, {{ top_k: 2 }});", CAT)
    assert len(got) == 2
    assert got[0]["label"].startswith(("tabby", "tiger cat", "Egyptian cat"))
    assert got[0]["score"] > got[1]["score"] > 0
    assert isinstance(got[0]["index"], int)


def test_a_film_gives_the_frame_that_it_shows(lab: Page) -> None:
    got = run(
        lab,
        SETUP
        + """
        const video = document.createElement('video');
        video.muted = true;
        const canvas = await drawn(document.createElement('canvas'));
        const early = await caught(() => classify(video));
        const stream = canvas.captureStream(30);
        video.srcObject = stream;
        const draw = setInterval(() => drawn(canvas), 50);
        await video.play();
        clearInterval(draw);
        const [first] = await classify(video);
        stream.getTracks().forEach((track) => track.stop());
        return { early, label: first.label };
        """,
        CAT,
    )
    assert got["early"][:2] == ["ImageError", "the film has no picture yet"]
    assert "cat" in got["label"] or got["label"].startswith("tabby")


def test_the_callers_bitmap_stays_open(lab: Page) -> None:
    got = run(
        lab,
        SETUP + "const b = await createImageBitmap(file); await classify(b); return b.width;",
        CAT,
    )
    assert got > 0


WRONG = {
    "({})": "this is not a picture",
    "null": "this is not a picture",
    "new Blob(['text'])": "neither a picture",
    "new Image()": "the element's picture could not be loaded",
    "({ data: new Uint8Array(5), width: 1, height: 1 })": "(RGBA), not 5 elements",
    "new OffscreenCanvas(0, 0)": "can't be read",
}


@pytest.mark.parametrize("image", WRONG)
def test_what_is_no_picture_is_refused(lab: Page, image: str) -> None:
    name, message = error(lab, f"{SETUP} await classify({image});", CAT)
    assert name == "ImageError"
    assert WRONG[image] in message


def test_halves_of_a_call(lab: Page) -> None:
    got = run(
        lab,
        SETUP
        + """
        const { data, preview, width, height, ms } = await classify.read(file);
        const { predictions, ms: runMs } = await classify.predict(data);
        const size = Math.max(preview.width, preview.height);
        preview.close();
        const whole = await classify(file);
        const { preview: none } = await classify.read(file, { preview: false });
        return { same: JSON.stringify(whole) === JSON.stringify(predictions), n: predictions.length,
                 none, size, largest: Math.max(width, height), timed: ms > 0 && runMs > 0,
                 about: [classify.task, classify.model.name, classify.labels.length] };
        """,
        CAT,
    )
    assert got["same"] and got["timed"]
    assert got["n"] == 5
    assert got["none"] is None
    assert got["size"] == min(960, got["largest"])
    assert got["about"] == ["image-classification", "efficientnet-lite0", 1000]


# Grey pictures of 3 x 2 pixels for a model whose "classes" are the levels, each plus 1.
LEVELS = """
const { pipeline } = await import('./pipeline.js');
const session = await InferenceSession.create(bytes(given[0]));
const preprocess = { crop: 'none', crop_fraction: 1, resize: 'bicubic', width: 3, height: 2,
                     mean: [0], std: [1], colour: 'grey' };
const labels = ['a', 'b', 'c', 'd', 'e'];
const model = { session, preprocess, labels, output: { name: 'y', kind: 'softmax' } };
const classify = await pipeline('image-classification', model);
"""


def test_a_model_may_be_described(lab: Page) -> None:
    got = run(
        lab,
        LEVELS
        + """
        const data = Uint8ClampedArray.from({ length: 24 }, (_, i) => (i % 4 === 3 ? 255 : i));
        const guesses = await classify({ data, width: 3, height: 2 }, { top_k: 2 });
        await classify.dispose();
        return [guesses, await caught(() => session.run({}))];
        """,
        small_model(1, lead=(1, 1)),
    )
    guesses, released = got
    assert [guess["label"] for guess in guesses] == ["class 5", "e"]
    assert guesses[0]["score"] == pytest.approx(0.299 * 20 + 0.587 * 21 + 0.114 * 22 + 1, abs=1e-3)
    assert released[0] == "ReleasedError"


def test_transparency_is_laid_on_white(lab: Page) -> None:
    got = run(
        lab,
        LEVELS
        + """
        const { data } = await classify.read({ data: new Uint8Array(24), width: 3, height: 2 });
        await classify.dispose();
        return Array.from(data);
        """,
        small_model(1, lead=(1, 1)),
    )
    assert got == pytest.approx([255] * 6, abs=1e-3)


def test_loading_tells_its_progress(lab: Page) -> None:
    events = run(
        lab,
        """
        const { pipeline } = await import('./pipeline.js');
        const events = [];
        const progress = (event) => events.push(event);
        const options = { progress, cache: false };
        await (await pipeline('image-classification', null, options)).dispose();
        return events;
        """,
    )
    statuses = [event["status"] for event in events]
    assert statuses[0] == "initiate"
    assert statuses[-1] == "ready"
    # Python may start meanwhile, which is a part of compiling.
    of_file = [status for status in statuses if status not in ("compile", "warmup", "ready")]
    assert of_file[:3] == ["initiate", "download", "progress"]
    assert of_file[-1] == "done"
    assert {event["name"] for event in events} == {"efficientnet-lite0"}
    last = [event for event in events if event["status"] == "progress"][-1]
    assert last["loaded"] == last["total"]
    assert last["progress"] == 100


def test_wrong_tasks_and_models_are_told(lab: Page) -> None:
    start = "const { pipeline } = await import('./pipeline.js');"
    name, message = error(lab, f"{start} await pipeline('translation');")
    assert (name, message) == (
        "InvalidInputError",
        "there is no task 'translation'; known is image-classification",
    )
    name, message = error(lab, f"{start} await pipeline('image-classification', 'resnet');")
    assert name == "InvalidInputError"
    assert "no model 'resnet'" in message and "efficientnet-lite0" in message


def test_channels_and_layouts(lab: Page) -> None:
    got = run(
        lab,
        """
        const { normalise, dimsOf } = await import('./preprocess.js');
        const levels = new Uint8ClampedArray([10, 20, 30, 40, 50, 60]);
        const base = { width: 2, height: 1, mean: [0, 0, 1], std: [1, 1, 2] };
        return [{}, { colour: 'BGR' }, { layout: 'NHWC' }, { colour: 'grey' }].map((change) => {
            const preprocess = { ...base, ...change };
            return [Array.from(normalise(levels, preprocess)), dimsOf(preprocess)];
        });
        """,
    )
    assert got[0] == [[10, 40, 20, 50, 14.5, 29.5], [1, 3, 1, 2]]
    assert got[1] == [[30, 60, 20, 50, 4.5, 19.5], [1, 3, 1, 2]]
    assert got[2] == [[10, 20, 14.5, 40, 50, 29.5], [1, 1, 2, 3]]
    assert got[3][0] == pytest.approx([18.15, 48.15], abs=1e-4)
    assert got[3][1] == [1, 1, 1, 2]
