"""The WebAssembly backend: from a Program to the bytes of one module."""
