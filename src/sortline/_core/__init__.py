"""What every room stands on: files, errors, MindSpore prepared, ONNX Runtime's sessions. It imports no other room."""
