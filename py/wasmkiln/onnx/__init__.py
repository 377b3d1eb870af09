"""Reading ONNX files: from protobuf bytes to a checked graph, without touching the weights."""
