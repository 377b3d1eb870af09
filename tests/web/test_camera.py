"""The live camera: classes of what it sees, one frame at work at most, clear errors, freed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.web.camera import camera_browser, film_options, write_film
from tests.web.models import small_model
from tests.web.pictures import sample
from tests.web.tab import TIMEOUT, Tab

FAKE = "--use-fake-device-for-media-stream"
ALLOWED = "--use-fake-ui-for-media-stream"

# Counts frames that a worker was given and has not answered yet.
COUNT_FRAMES = """
    window.frames_ = { sent: 0, open: 0, most: 0 };
    const post = Worker.prototype.postMessage;
    Worker.prototype.postMessage = function (message, ...rest) {
        if (message?.type === 'decode') {
            frames_.sent++;
            frames_.most = Math.max(frames_.most, ++frames_.open);
            const answered = ({ data }) => {
                if (data.id !== message.id || data.type === 'progress') return;
                frames_.open--;
                this.removeEventListener('message', answered);
            };
            this.addEventListener('message', answered);
        }
        return post.call(this, message, ...rest);
    };
"""
TRACK = "document.querySelector('#camera video').srcObject?.getVideoTracks()[0]"


@pytest.fixture(scope="module")
def filmed(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser whose camera sees a cup of coffee."""
    film = tmp_path_factory.mktemp("camera") / "coffee.y4m"
    wide = sample().resize((720, 480))
    write_film(film, [wide.crop((x, 0, x + 640, 480)) for x in range(0, 80, 8)])
    with camera_browser(playwright, *film_options(film)) as browser:
        yield browser


@pytest.fixture
def tab(filmed: Browser, site: str) -> Iterator[Tab]:
    """The page, complete, with that camera."""
    context = filmed.new_context()
    page = context.new_page()
    page.add_init_script(COUNT_FRAMES)
    yield opened(page, site)
    context.close()


def opened(page: Page, site: str) -> Tab:
    """The page with all its parts."""
    tab = Tab.open(page, site)
    tab.complete()
    return tab


def start(tab: Tab) -> None:
    """Start the camera and wait for classes of what it sees."""
    tab.page.click("#camera-start")
    tab.page.wait_for_selector("#camera-rate:not(:empty)", timeout=TIMEOUT)
    # The track of this moment, to be asked about after the camera is off.
    tab.page.evaluate(f"window.track = {TRACK}")


def is_free(tab: Tab) -> bool:
    """Whether the camera was given back."""
    return bool(tab.page.evaluate(f"track.readyState === 'ended' && !({TRACK})"))


def test_it_names_what_the_camera_sees(tab: Tab) -> None:
    start(tab)
    coffee = (
        "() => document.querySelector('#predictions li .name')?.textContent.startsWith('espresso')"
    )
    tab.page.wait_for_function(coffee, timeout=TIMEOUT)
    assert "fps" in tab.text("camera-rate")
    assert "pictures a second" in tab.text("inference")
    assert tab.page.locator("#stage").is_hidden()
    expect(tab.page.locator("#camera video")).to_have_class("mirrored")


def test_frames_never_wait_in_a_queue(tab: Tab) -> None:
    start(tab)
    tab.page.wait_for_function("() => frames_.sent >= 30", timeout=TIMEOUT)
    assert tab.page.evaluate("frames_.most") == 1


def test_what_is_seen_is_not_read_out_without_end(tab: Tab) -> None:
    start(tab)
    assert tab.page.locator("#predictions").get_attribute("aria-live") == "off"
    tab.page.click("#camera-stop")
    assert tab.page.locator("#predictions").get_attribute("aria-live") == "polite"


def test_stopping_frees_the_camera(tab: Tab) -> None:
    start(tab)
    tab.page.click("#camera-stop")
    assert is_free(tab)
    expect(tab.page.locator("#camera")).to_be_hidden()
    expect(tab.page.locator("#camera-start")).to_be_focused()
    tab.expect_alive()


def test_a_hidden_page_takes_no_frames(tab: Tab) -> None:
    start(tab)
    hide = """(hidden) => {
        Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
    }"""
    tab.page.evaluate(hide, True)
    tab.page.wait_for_function("() => frames_.open === 0")
    sent = tab.page.evaluate("frames_.sent")
    assert tab.page.evaluate("track.enabled") is False
    frames = """() => new Promise((done) => {
        const video = document.querySelector('#camera video');
        let left = 10;
        const next = () => (--left ? video.requestVideoFrameCallback(next) : done());
        next();
    })"""
    tab.page.evaluate(frames)
    assert tab.page.evaluate("frames_.sent") == sent
    tab.page.evaluate(hide, False)
    assert tab.page.evaluate("track.enabled") is True
    tab.page.wait_for_function(f"() => frames_.sent > {sent} + 5", timeout=TIMEOUT)


def test_a_picture_can_be_kept_while_the_camera_goes_on(tab: Tab) -> None:
    start(tab)
    tab.page.click("#camera-keep")
    expect(tab.page.locator("#gallery .card .what")).to_have_text("espresso", timeout=TIMEOUT)
    assert tab.page.evaluate("track.readyState") == "live"
    tab.page.click("#gallery .card")
    shown = tab.page.locator("#preview")
    expect(shown).to_have_attribute("aria-label", re.compile("camera at"), timeout=TIMEOUT)
    assert tab.settled() == "ready", tab.alert()
    assert is_free(tab)


def test_a_photo_or_a_model_takes_its_place(tab: Tab) -> None:
    start(tab)
    tab.expect_alive()
    assert is_free(tab)
    start(tab)
    tab.give("drop", "small.onnx", small_model(1))
    tab.page.wait_for_selector("#model", state="visible", timeout=TIMEOUT)
    assert tab.settled() == "ready", tab.alert()
    assert is_free(tab)
    start(tab)
    assert tab.page.locator("#model").is_hidden()
    tab.page.click("#camera-stop")


def test_it_may_be_started_before_the_model_is_ready(filmed: Browser, site: str) -> None:
    context = filmed.new_context()
    page = context.new_page()
    page.goto(site)
    tab = Tab(page)
    page.click("#camera-start")
    page.wait_for_selector("#camera video")
    assert tab.settled() == "ready", tab.alert()
    page.wait_for_selector("#predictions li", timeout=TIMEOUT)
    context.close()


def test_a_camera_that_is_lost_is_told(tab: Tab) -> None:
    start(tab)
    tab.page.evaluate("track.dispatchEvent(new Event('ended'))")
    assert tab.failed() == "CameraError"
    assert "unplugged" in tab.alert()
    tab.step("Try again")
    tab.page.wait_for_selector("html[data-state=ready] #camera video", timeout=TIMEOUT)


def test_another_camera_can_be_chosen(playwright: Playwright, site: str) -> None:
    with camera_browser(playwright, f"{FAKE}=device-count=2", ALLOWED) as browser:
        tab = opened(browser.new_page(), site)
        start(tab)
        options = tab.page.locator("#camera-choice option")
        expect(options).to_have_count(2)
        former = tab.page.evaluate("track.getSettings().deviceId")
        assert tab.page.input_value("#camera-choice") == former
        other = next(v for o in options.all() if (v := o.get_attribute("value")) != former)
        assert other
        tab.page.select_option("#camera-choice", other)
        tab.page.wait_for_function(
            f"() => ({TRACK})?.getSettings().deviceId === '{other}'", timeout=TIMEOUT
        )
        assert tab.page.evaluate("track.readyState") == "ended"


def test_no_permission_is_told_and_can_be_mended(playwright: Playwright, site: str) -> None:
    with camera_browser(playwright, FAKE) as browser:
        context = browser.new_context()
        tab = opened(context.new_page(), site)
        tab.page.click("#camera-start")
        assert tab.failed() == "CameraError"
        assert "did not allow it" in tab.alert()
        assert tab.steps() == ["Try again", "Choose a photo instead"]
        context.grant_permissions(["camera"])
        tab.step("Try again")
        tab.page.wait_for_selector("#camera-rate:not(:empty)", timeout=TIMEOUT)
        assert tab.settled() == "ready", tab.alert()


def test_a_machine_without_a_camera_says_so(playwright: Playwright, site: str) -> None:
    with camera_browser(playwright, f"{FAKE}=device-count=0", ALLOWED) as browser:
        tab = opened(browser.new_page(), site)
        tab.page.click("#camera-start")
        assert tab.failed() == "CameraError"
        assert "no camera was found" in tab.alert()
        tab.expect_alive()


# Chromium's fake camera can't be in use, so the browser's answer is given by hand.
ANSWERS = {
    "NotReadableError": "maybe another program uses it",
    "AbortError": "did not start",
    "OverconstrainedError": "is gone",
    "SecurityError": "does not allow the camera here",
    "SomethingNewError": "SomethingNewError: why",
}


@pytest.mark.parametrize("name", ANSWERS)
def test_what_the_browser_answers_is_explained(page: Page, site: str, name: str) -> None:
    answer = f"throw new DOMException('why', '{name}')"
    page.add_init_script(f"navigator.mediaDevices.getUserMedia = async () => {{ {answer} }}")
    tab = opened(page, site)
    page.click("#camera-start")
    assert tab.failed() == "CameraError"
    assert ANSWERS[name] in tab.alert()


def test_an_insecure_page_says_why_it_has_no_camera(page: Page, site: str) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
    tab = opened(page, site)
    page.click("#camera-start")
    assert tab.failed() == "CameraError"
    assert "HTTPS" in tab.alert()


def test_a_film_is_written_as_the_camera_reads_it(tmp_path: Path) -> None:
    write_film(tmp_path / "film.y4m", [sample().resize((64, 48))] * 2)
    assert (tmp_path / "film.y4m").read_bytes().count(b"FRAME\n") == 2
