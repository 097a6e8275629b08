"""Video in and out: index, decode, encode, mux.

ffmpeg (run through ffmpeg-python) decodes and encodes; PyAV reads packets and writes timestamps, because a raw pipe
carries no times. Times are integers in the stream's own time base, never a rounded frame rate.
"""

from swapcore.video.decode import decode
from swapcore.video.encode import add_sound, encode
from swapcore.video.index import index
from swapcore.video.mux import content_digest, made, mux, read_metadata
from swapcore.video.tools import BT709, Colour, colour, ffmpeg

__all__ = [
    "BT709",
    "Colour",
    "add_sound",
    "colour",
    "content_digest",
    "decode",
    "encode",
    "ffmpeg",
    "index",
    "made",
    "mux",
    "read_metadata",
]
