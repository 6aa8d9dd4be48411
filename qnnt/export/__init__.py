"""Trained networks carried elsewhere: a NumPy function, a C99 function, LaTeX, integer ONNX."""
