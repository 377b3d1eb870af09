"""Images as the default model takes them, by Pillow: the reference for what the page does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps


def lite0_input(path: Path) -> Any:
    """f32[1,3,224,224]: centre crop of 0.875 of the shorter side, bicubic, RGB, (x - 127) / 128."""
    with Image.open(path) as opened:
        image = ImageOps.exif_transpose(opened).convert("RGB")
    width, height = image.size
    side = min(width, height) * 0.875
    left, top = (width - side) / 2, (height - side) / 2
    box = (left, top, left + side, top + side)
    small = image.resize((224, 224), Image.Resampling.BICUBIC, box=box)
    return ((np.asarray(small, np.float32) - 127) / 128).transpose(2, 0, 1)[None]
