"""An exported model over HTTP. Needs the extra `sortline[api]`, ONNX Runtime, and nothing of the training side."""
