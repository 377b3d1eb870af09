"""Says what bytes look like that are not a model, to make the error useful."""

from __future__ import annotations

from .source import ByteSource

__all__ = ["sniff"]

# (offset, bytes there, what such a file is)
_SIGNATURES = (
    (0, b"version https://git-lfs", "a Git LFS pointer: the model itself was not downloaded"),
    (0, b"PK\x03\x04", "a zip archive (a PyTorch checkpoint, perhaps): export it to ONNX"),
    (0, b"\x1f\x8b", "gzip: decompress it first"),
    (0, b"\x80\x02", "a Python pickle (a PyTorch checkpoint, perhaps): export it to ONNX"),
    (0, b"\x80\x03", "a Python pickle (a PyTorch checkpoint, perhaps): export it to ONNX"),
    (0, b"\x80\x04", "a Python pickle: export the model to ONNX"),
    (0, b"\x80\x05", "a Python pickle: export the model to ONNX"),
    (4, b"TFL3", "a TensorFlow Lite model: convert it to ONNX (tf2onnx)"),
    (4, b"ORTM", "an ONNX Runtime .ort file: use the .onnx that it was made from"),
    (8, b'{"', "safetensors, which are weights without a graph: export the model to ONNX"),
    (0, b"GGUF", "a GGUF file, which are weights without a graph"),
    (0, b"\x89HDF", "HDF5 (a Keras model, perhaps): convert it to ONNX (tf2onnx)"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"\x89PNG", "a PNG image"),
    (0, b"\xff\xd8\xff", "a JPEG image"),
    (0, b"GIF8", "a GIF image"),
    (8, b"WEBP", "a WebP image"),
    (0, b"%PDF", "a PDF document"),
    (0, b"\0asm", "a WebAssembly module"),
    (257, b"ustar", "a tar archive: unpack it first"),
    (0, b"BZh", "bzip2: decompress it first"),
    (0, b"7z\xbc\xaf", "a 7z archive: unpack it first"),
    (0, b"\xfd7zXZ", "xz: decompress it first"),
    (0, b"(\xb5/\xfd", "zstd: decompress it first"),
)


def sniff(source: ByteSource) -> str:
    """What the bytes look like; '' if like nothing we know."""
    head = source.read(0, min(source.size, 512))
    for offset, magic, what in _SIGNATURES:
        if head[offset : offset + len(magic)] == magic:
            return what
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<!--")):
        return "an HTML page: the server sent a page (an error, a login) instead of the model"
    if start.startswith((b"<?xml", b"<net")):
        return "XML (an OpenVINO model, perhaps)"
    if start.startswith((b"{", b"[")) and _is_text(head):
        return "JSON"
    if head.count(0) == len(head):
        return "nothing but zeros: a download that was not filled in, perhaps"
    return "text" if _is_text(head) else ""


def _is_text(head: bytes) -> bool:
    printable = sum(32 <= byte < 127 or byte in b"\t\r\n" for byte in head)
    return printable > 0.97 * len(head)
