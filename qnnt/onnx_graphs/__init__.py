"""ONNX graphs of any kind, whose layers are rounded where they stand."""
