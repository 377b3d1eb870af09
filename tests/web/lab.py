"""Run JavaScript against the page's modules, from a page without our page's script."""

from __future__ import annotations

import base64
from typing import Any

from playwright.sync_api import Page

PRELUDE = """
const { InferenceSession, Tensor } = await import('./session.js');
const bytes = (data) => Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
const vector = (...values) => new Tensor('float32', new Float32Array(values), [2, 3]);
const caught = async (work) => {
    try { await work(); return null; }
    catch (error) { return [error.name, error.message, error instanceof Error]; }
};
"""


def run(lab: Page, body: str, *arguments: Any) -> Any:
    """What an async function with this body gives; bytes arrive as base64, read by `bytes()`."""
    plain = [base64.b64encode(a).decode() if isinstance(a, bytes) else a for a in arguments]
    return lab.evaluate(f"async (given) => {{ {PRELUDE} {body} }}", plain)


def error(lab: Page, body: str, *arguments: Any) -> tuple[str, str]:
    """Class and message of the error that the body throws; it is an Error in any case."""
    caught = run(lab, f"return caught(async () => {{ {body} }});", *arguments)
    assert caught is not None, "nothing was thrown"
    name, message, is_error = caught
    assert is_error
    return name, message
