"""The page's state: ready once nothing is under way, whatever ends first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tests.web.models import small_model
from tests.web.pictures import SAMPLES
from tests.web.tab import TIMEOUT, Tab

COFFEE = (SAMPLES / "coffee.jpg").read_bytes()
# The page's module by itself, with the elements that it shows the state in.
ALONE = """async () => {
    const made = { loading: 'div', status: 'p', progress: 'progress', cancel: 'button' };
    Object.assign(made, { announcement: 'p', problem: 'div', alert: 'p', 'next-steps': 'div' });
    for (const [id, tag] of Object.entries(made)) {
        document.body.append(Object.assign(document.createElement(tag), { id }));
    }
    const page = await import('./page/view/page.js');
    window.states = (act) => {
        const seen = [];
        const see = () => seen.push(document.documentElement.dataset.state);
        return Promise.resolve(act(page, see)).then(() => seen);
    };
}"""


@pytest.fixture(scope="module")
def alone(lab: Page) -> Iterator[Page]:
    """A page with nothing but the module."""
    lab.evaluate(ALONE)
    yield lab


def states(alone: Page, act: str) -> list[str]:
    """The states that `act` sees: the body of a function of the module and of what looks."""
    seen: list[str] = alone.evaluate(f"states(async (page, see) => {{ {act} }})")
    return seen


def test_it_is_ready_once_the_last_work_has_ended(alone: Page) -> None:
    act = """
        const [first, second] = [page.beginWork('running'), page.beginWork('running')];
        see(); first(); see(); first(); see(); second(); see();"""
    assert states(alone, act) == ["running", "running", "running", "ready"]


def test_loading_is_told_before_running(alone: Page) -> None:
    act = """
        const run = page.beginWork('running'); see();
        const load = page.beginWork('loading'); see();
        load(); see(); run(); see();"""
    assert states(alone, act) == ["running", "loading", "running", "ready"]


def test_work_that_throws_has_ended(alone: Page) -> None:
    act = """
        const fail = async () => { see(); throw new Error('no'); };
        const error = await page.whileAtWork('loading', fail).catch((error) => error);
        if (error.message === 'no') see();"""
    assert states(alone, act) == ["loading", "ready"]


def test_an_error_is_told_when_nothing_is_under_way_and_until_other_work(alone: Page) -> None:
    act = """
        const end = page.beginWork('running');
        page.showError(new DOMException('', 'AbortError'), 'It'); see();
        end(); see();
        if (document.getElementById('problem').hidden) throw new Error('the error is not shown');
        page.beginWork('running')(); see();
        page.showError(new DOMException('', 'AbortError'), 'It');
        page.withdrawError(); see();
        if (!document.getElementById('problem').hidden) throw new Error('the error is shown');"""
    assert states(alone, act) == ["running", "error", "ready", "ready"]


def test_rest_comes_once_nothing_is_under_way(alone: Page) -> None:
    act = """
        const rest = page.atRest().then(see); await rest;
        const [first, second] = [page.beginWork('running'), page.beginWork('loading')];
        let resting = false;
        const later = page.atRest().then(() => { resting = true; see(); });
        first(); await null; await null;
        if (resting) throw new Error('too early');
        second(); await later;"""
    assert states(alone, act) == ["ready", "ready"]


def test_a_link_is_waited_for_while_a_photo_is_done(page: Page, site: str) -> None:
    tab = Tab.open(page, site)
    tab.complete()
    held: list[Route] = []
    page.route("**/samples/camera.jpg?slow", lambda route: held.append(route))
    link = f"{site}samples/camera.jpg?slow"
    with page.expect_request(link):
        page.evaluate(
            """(link) => {
                const clipboardData = new DataTransfer();
                clipboardData.setData('text/plain', link);
                const options = { bubbles: true, cancelable: true, clipboardData };
                document.querySelector('main').dispatchEvent(new ClipboardEvent('paste', options));
            }""",
            link,
        )
    tab.give("drop", "coffee.jpg", COFFEE)
    expect(page.locator("#predictions li").first).to_contain_text("espresso", timeout=TIMEOUT)
    assert tab.state() == "running"
    held[0].continue_()
    assert tab.settled() == "ready", tab.alert()
    expect(page.locator("#predictions li").first).to_contain_text("tripod")


def test_a_model_that_takes_anothers_place_is_waited_for(page: Page, site: str) -> None:
    tab = Tab.open(page, site)
    for scale in (0.5, 1.5, 2.5):
        tab.give("drop", f"{scale}.onnx", small_model(scale))
    assert tab.settled() == "ready", tab.alert()
    expect(page.locator("#current-model")).to_have_text("2.5.onnx", timeout=1)
