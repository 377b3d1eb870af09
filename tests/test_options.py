"""Defaults of the options that the machine decides."""

from __future__ import annotations

import os
import sys

import pytest
from wasmkiln.options import CompileOptions, memory_budget


@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="the system doesn't tell its memory")
def test_a_model_may_use_half_of_the_memory_and_4_gib(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = {"SC_PHYS_PAGES": 3 << 18, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(os, "sysconf", pages.__getitem__)
    assert CompileOptions().max_memory == 3 << 29
    pages["SC_PHYS_PAGES"] <<= 4
    assert CompileOptions().max_memory == 4 << 30


def test_a_model_may_use_2_gib_in_a_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "emscripten")
    assert memory_budget() == 2 << 30
