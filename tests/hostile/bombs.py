"""Small models that ask for too much: of memory, of time, or of patience.

What a model asks for may well be refused, or computed; it must not be tried blindly.
"""

from __future__ import annotations

from tests.hostile import bomb_graphs, bomb_values
from tests.hostile.building import BOMBS

__all__ = ["BOMBS", "bomb_graphs", "bomb_values"]
