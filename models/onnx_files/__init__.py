"""Students as ONNX files: written, and run by onnxruntime. Needs the extra ``onnx``; nothing else does."""
