"""dlib's networks from their own files: `spec` reads the bytes, `onnx` makes them run."""

from swapcore.nets.onnx import identity_session
from swapcore.nets.spec import model_path

__all__ = ["identity_session", "model_path"]
