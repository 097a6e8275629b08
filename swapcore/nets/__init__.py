"""dlib's networks from their own files: `spec` reads the bytes, `identity` and `detector` make them run."""

from swapcore.nets.detector import FaceDetector, detector_session, find_faces
from swapcore.nets.graph import BYTES_LIMIT, Graph, check, session
from swapcore.nets.identity import identity_session
from swapcore.nets.spec import identity as identity_layers
from swapcore.nets.spec import model_path

__all__ = [
    "BYTES_LIMIT",
    "FaceDetector",
    "Graph",
    "check",
    "detector_session",
    "find_faces",
    "identity_layers",
    "identity_session",
    "model_path",
    "session",
]
