"""onnxruntime's Python API, as far as it is about inference on a CPU: options, values, bindings.

Nothing in here needs NumPy but `arrays`, which imports it when it is called.
"""
