"""Video in and out: index, decode, encode, mux.

ffmpeg (run through ffmpeg-python) decodes and encodes; PyAV reads packets and writes timestamps, because a raw pipe
carries no times. Times are integers in the stream's own time base, never a rounded frame rate.
"""

from swapcore.video import damage, segments
from swapcore.video.codecs import CODECS
from swapcore.video.curves import CURVES
from swapcore.video.decode import decode, decode_pictures
from swapcore.video.encode import add_sound, encode, encode_pictures, encode_samples
from swapcore.video.index import index, listed
from swapcore.video.mux import content_digest, made, mux, read_metadata, sound_digests
from swapcore.video.picture import Layout, Picture, block_means, from_bgr, layout, to_bgr
from swapcore.video.retime import retime
from swapcore.video.tools import BT709, Colour, colour, ffmpeg
from swapcore.video.tracks import unfit

__all__ = [
    "BT709",
    "CODECS",
    "CURVES",
    "Colour",
    "Layout",
    "Picture",
    "add_sound",
    "block_means",
    "colour",
    "content_digest",
    "damage",
    "decode",
    "decode_pictures",
    "encode",
    "encode_pictures",
    "encode_samples",
    "ffmpeg",
    "from_bgr",
    "index",
    "layout",
    "listed",
    "made",
    "mux",
    "read_metadata",
    "retime",
    "segments",
    "sound_digests",
    "to_bgr",
    "unfit",
]
