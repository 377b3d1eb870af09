"""wasmkiln compiles one ONNX model at a time to WebAssembly, natively or in the browser tab."""

from __future__ import annotations

from wasmkiln._version import __version__

__all__ = ["__version__"]
