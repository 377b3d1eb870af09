"""Pictures for tests, made from the sample photos: every format that a person may drop."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image

from tests.shared import ROOT

SAMPLES = ROOT / "web" / "samples"


def sample(name: str = "coffee.jpg") -> Image.Image:
    """A sample photo in RGB."""
    with Image.open(SAMPLES / name) as opened:
        return opened.convert("RGB")


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    """The picture as a file of this kind."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def rotated_jpeg(orientation: int) -> bytes:
    """The coffee stored turned or mirrored, with the EXIF orientation that puts it upright."""
    undo = {
        3: Image.Transpose.ROTATE_180,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(sample().transpose(undo[orientation]), "JPEG", quality=92, exif=exif)


def png16(image: Image.Image) -> bytes:
    """An RGB PNG of 16 bits a channel, which Pillow can't write."""
    width, height = image.size
    rows = image.tobytes()
    pitch = width * 3
    raw = b"".join(
        b"\0" + bytes(b for value in rows[y * pitch : (y + 1) * pitch] for b in (value, value))
        for y in range(height)
    )
    return png(width, height, raw, depth=16)


def png(width: int, height: int, raw: bytes, depth: int = 8) -> bytes:
    """An RGB PNG with this header, whatever its data."""
    header = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(raw, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def animated(kind: str) -> bytes:
    """Coffee first, then cat and photographer."""
    frames = [sample(name).resize((320, 213)) for name in ("cat.jpg", "camera.jpg")]
    first = sample().resize((320, 213))
    return encoded(first, kind, save_all=True, append_images=frames, duration=100, loop=0)


def odd_pictures() -> dict[str, bytes]:
    """Pictures that are all the coffee, in formats that are easy to get wrong."""
    coffee = sample()
    transparent = Image.new("RGBA", (coffee.width + 80, coffee.height + 80), (0, 0, 0, 0))
    transparent.paste(coffee, (40, 40))
    return {
        "progressive.jpg": encoded(coffee, "JPEG", progressive=True, quality=90),
        "cmyk.jpg": encoded(coffee.convert("CMYK"), "JPEG", quality=92),
        "exif-3.jpg": rotated_jpeg(3),
        "exif-5.jpg": rotated_jpeg(5),
        "exif-6.jpg": rotated_jpeg(6),
        "exif-8.jpg": rotated_jpeg(8),
        "16-bit.png": png16(coffee.resize((240, 160))),
        "transparent.png": encoded(transparent, "PNG"),
        "palette.png": encoded(coffee.quantize(128), "PNG"),
        "grey.png": encoded(coffee.convert("L"), "PNG"),
        "animated.gif": animated("GIF"),
        "animated.webp": animated("WEBP"),
        "animated.png": animated("PNG"),
        "lossless.webp": encoded(coffee, "WEBP", lossless=True),
        "plain.bmp": encoded(coffee, "BMP"),
        "plain.avif": encoded(coffee, "AVIF", quality=85),
        "large.jpg": encoded(coffee.resize((4000, 2664)), "JPEG", quality=85),
        "no-extension": encoded(coffee, "JPEG"),
    }
