"""Calm figures from a fast stream: averages that fade, a rate, and what is read out."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

from tests.web.lab import run

IMPORT = "const { Average, Herald, Rate } = await import('./page/live.js');"


def live(lab: Page, body: str) -> Any:
    """What a function with this body gives."""
    return run(lab, IMPORT + body)


def test_the_average_follows_what_stays(lab: Page) -> None:
    shown = live(
        lab,
        """
        const average = new Average();
        const cat = { index: 1, label: 'cat', score: 0.8 };
        const dog = { index: 2, label: 'dog', score: 0.6 };
        average.add([cat], 0);
        const first = average.best(5);
        for (let t = 33; t < 3000; t += 33) average.add([dog], t);
        return [first, average.best(5)];
        """,
    )
    first, last = shown
    assert first == [{"index": 1, "label": "cat", "score": 0.8}], "the first picture counts at once"
    ((index, score),) = [(entry["index"], entry["score"]) for entry in last]
    assert index == 2, "what is gone is forgotten"
    assert abs(score - 0.6) < 1e-3


def test_one_odd_frame_changes_little(lab: Page) -> None:
    best = live(
        lab,
        """
        const average = new Average();
        for (let t = 0; t < 1000; t += 33) average.add([{ index: 1, label: 'cat', score: 0.7 }], t);
        average.add([{ index: 2, label: 'dog', score: 0.9 }], 1023);
        return average.best(1)[0].label;
        """,
    )
    assert best == "cat"


def test_the_rate_is_of_the_last_second(lab: Page) -> None:
    rates = live(
        lab,
        """
        const rate = new Rate();
        for (let t = 0; t <= 5000; t += 50) rate.add(t);
        return [rate.perSecond(5000), rate.perSecond(5500), rate.perSecond(7000)];
        """,
    )
    assert rates == [20, 10, 0]


def test_a_class_is_read_out_once_it_stays_and_not_too_often(lab: Page) -> None:
    told = live(
        lab,
        """
        const herald = new Herald();
        const told = [];
        const see = (label, from, to) => {
            for (let t = from; t < to; t += 100) {
                const news = herald.hear(label, t);
                if (news) told.push([news, t]);
            }
        };
        see('cat', 0, 3000);
        see('dog', 3000, 3500);
        see('cat', 3500, 8000);
        see('dog', 8000, 12000);
        return told;
        """,
    )
    assert told == [["cat", 1500], ["dog", 9500]]
