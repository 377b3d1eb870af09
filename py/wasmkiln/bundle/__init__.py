"""Bundles: compiled models as files, which run without Python and without the ONNX file."""

from .build import Bundle, BundleOptions, build_bundle

__all__ = ["Bundle", "BundleOptions", "build_bundle"]
