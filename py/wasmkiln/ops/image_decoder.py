"""ImageDecoder: files of images, which Pillow decodes."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from ..errors import InvalidModelError, LimitError, MissingDependencyError, ShapeError
from ..ir.const import Const
from ..ir.dtype import U8
from ..ir.types import TensorType
from ..ir.value import Value
from .base import Attribute, register
from .hosted import HostOp, on_host, show_value, tensor

__all__: list[str] = []

# By pixel_format: what Pillow converts to, and the order of the bytes it gives.
_MODES = {"RGB": ("RGB", "RGB"), "BGR": ("RGB", "BGR"), "Grayscale": ("L", "L")}


@register("ImageDecoder", since=20)
class ImageDecoder(HostOp):
    """The pixels [height, width, channels] of an encoded image; none if it can't be decoded."""

    pixel_format: str = "RGB"

    def __init__(self, **attributes: Attribute) -> None:
        super().__init__(**attributes)
        if self.pixel_format not in _MODES:
            known = ", ".join(_MODES)
            raise InvalidModelError(
                f"pixel_format is '{self.pixel_format}', which is none of {known}"
            )

    def infer(self, encoded: TensorType) -> tuple[TensorType, ...]:
        """Refuses: the file says how large the image is."""
        on_host()

    def evaluate(self, encoded: Value) -> tuple[Value, ...]:
        """Any format that Pillow knows."""
        given = tensor(encoded, "the input")
        if given.dtype != U8 or len(given.shape) != 1:
            raise ShapeError(f"the input is {show_value(encoded)}, bytes in u8[N] are expected")
        mode, order = _MODES[self.pixel_format]
        image = _decoded(given, mode)
        if image is None:
            return (Const(U8, (0, 0, 0), b""),)
        shape = (image.height, image.width, len(mode))
        return (Const(U8, shape, image.tobytes("raw", order)),)


def _decoded(encoded: Const, mode: str) -> Any:
    """An image of Pillow in the given mode, or None."""
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingDependencyError("ImageDecoder needs Pillow: pip install pillow") from error
    assert not isinstance(encoded.data, tuple)
    try:
        with Image.open(BytesIO(encoded.data)) as image:  # type: ignore[arg-type]
            return image.convert(mode)
    except Image.DecompressionBombError as error:
        raise LimitError(str(error)) from None
    except (OSError, SyntaxError, ValueError):
        return None  # as ONNX has it
