"""Small clips that ffmpeg makes for tests, and what several tests of video do with them."""

from __future__ import annotations

import itertools
import subprocess
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from swapcore import video
from swapcore.errors import SwapError

INDEX = {"start": None, "end": None, "shot_threshold": 30.0, "duplicate_threshold": 0.05}
SOUND = ["-f", "lavfi", "-i", "aevalsrc=random(0)-0.5:d=2:s=44100"]  # noise: no two packets are alike


def ff(*words):
    subprocess.run([video.ffmpeg(), "-v", "error", "-nostdin", "-y", *map(str, words)], check=True)


def refused(call, *given, **more) -> str:
    """The line with which a call refuses what it was given."""
    with pytest.raises(SwapError) as caught:
        call(*given, **more)
    return str(caught.value)


def picture(rate="25", size="128x96", seconds=2):
    return ["-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate}:d={seconds}"]


X264 = ["-c:v", "libx264", "-preset", "veryfast", "-g", "20", "-bf", "3", "-pix_fmt", "yuv420p"]
VARIABLE = ["-vf", "select='not(eq(mod(n,5),2)+eq(mod(n,7),3))'", "-fps_mode", "vfr"]
CLIPS = {  # file name -> what ffmpeg makes it from
    "constant.mp4": [*picture(), *SOUND, *X264, "-c:a", "aac"],
    "variable.mp4": [*picture(), *SOUND, *X264, *VARIABLE, "-c:a", "aac"],
    "ntsc.mp4": [*picture("30000/1001"), *SOUND, *X264, "-c:a", "aac"],
    "late.mp4": [*picture(), *SOUND, *X264, "-c:a", "aac", "-output_ts_offset", "1.5"],
    "late_ntsc.mp4": [*picture("30000/1001"), *SOUND, *X264, "-c:a", "aac", "-output_ts_offset", "0.7"],
    "silent.mp4": [*picture(), *X264],
    "matroska.mkv": [*picture("30000/1001"), *SOUND, *X264, "-c:a", "libopus"],
    "two_sounds.mkv": [*picture(), *SOUND, *X264, "-map", "0", "-map", "1", "-map", "1", "-c:a", "libmp3lame"],
    "no_b_frames.mov": [*picture(), *SOUND, *X264, "-bf", "0", "-c:a", "pcm_s16le"],
    "one_frame.mp4": [*picture(seconds=0.04), *X264],
    "ntsc.avi": [*picture("30000/1001"), *SOUND, "-c:v", "mpeg4", "-c:a", "libmp3lame"],  # time base 1001/30000
}


COPIES = {  # file name -> the clip whose packets are copied, and with what
    "edited.mp4": (["-ss", "0.5", "-i", "constant.mp4"], []),  # an edit list hides what is before 0.5 s
    "edited_variable.mp4": (["-ss", "0.52", "-i", "variable.mp4"], []),
    "edited_no_b_frames.mov": (["-ss", "0.3", "-i", "no_b_frames.mov"], []),
    "delayed.mp4": (  # an empty edit: the picture begins after the sound
        ["-itsoffset", "0.7", "-i", "constant.mp4", "-i", "constant.mp4"],
        ["-map", "0:v", "-map", "1:a"],
    ),
    "sound_late.mp4": (["-i", "ntsc.mp4", "-itsoffset", "0.3", "-i", "ntsc.mp4"], ["-map", "0:v", "-map", "1:a"]),
    "broadcast.ts": (["-i", "ntsc.mp4"], ["-output_ts_offset", "100", "-muxdelay", "0"]),
    "late.mkv": (["-i", "variable.mp4"], ["-output_ts_offset", "2"]),
}


def made_clips(folder):
    """Make all CLIPS and COPIES in a folder, and "shortened.mp4", whose edit list ends after one second of two."""
    for name, words in CLIPS.items():
        ff(*words, folder / name)
    for name, (given, words) in COPIES.items():
        given = [folder / word if word in CLIPS else word for word in given]
        ff(*given, *words, "-c", "copy", folder / name)
    data = bytearray((folder / "constant.mp4").read_bytes())
    at = data.index(b"mvhd") + 16
    units = int.from_bytes(data[at : at + 4], "big")  # a second
    at = -1
    while (at := data.find(b"elst", at + 1)) > 0:
        data[at + 12 : at + 16] = units.to_bytes(4, "big")
    (folder / "shortened.mp4").write_bytes(data)


def erase(clip, path, places, *, flip=0):
    """Copy a clip with the bytes of some packets of its picture, counted in the order of decoding, made zero; `flip`: that
    many bytes in the second half of each are turned around instead.
    """
    data = bytearray(clip.read_bytes())
    with av.open(str(clip)) as container:
        found = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    rng = np.random.default_rng(0)
    for pos, size in (found[k] for k in places):
        if flip:
            for at in rng.integers(pos + size // 2, pos + size, flip):
                data[at] ^= 0x5A
        else:
            data[pos : pos + size] = bytes(size)
    path.write_bytes(data)


def shown(path):
    """(pts, time base) of the picture's packets that no edit list hides, in order of presentation."""
    with av.open(str(path)) as container:
        found = [p.pts for p in container.demux(video=0) if p.size and not p.is_discard]
        return sorted(found), container.streams.video[0].time_base


def packets(path, kind):
    """Per stream of the kind: (time in seconds, bytes) of each packet, in order of times."""
    with av.open(str(path)) as container:
        streams = [s for s in container.streams if s.type == kind]
        found = {s.index: [] for s in streams}
        for packet in container.demux(streams) if streams else []:
            if packet.size:
                data = bytes(packet)
                data = data[7:] if data[:2] == b"\xff\xf1" and path.suffix == ".ts" else data  # an ADTS header
                found[packet.stream_index].append((packet.pts * packet.time_base, data))
    return [sorted(p, key=lambda x: x[0]) for p in found.values()]


def remade(path, folder, *, origin=False, **span):
    """Index, encode and mux a clip without changing anything; its table, its info, the new file."""
    frames, info = video.index(path, name="x", **{**INDEX, **span})
    composite, out = folder / "composite.mkv", folder / "out.mp4"
    video.encode(
        composite,
        (frame for _, frame in video.decode(path, frames, info)),
        width=info.width,
        height=info.height,
        rate=info.rate,
        crf=18,
        preset="veryfast",
    )
    begin = int(frames.pts[0]) if origin else 0
    video.mux(
        out, videos=[composite], frames=frames, info=info, source=path, audio=True, metadata={"own": "1"}, origin=begin
    )
    return frames, info, out


def check_remade(path, folder):
    """Times of picture and sound, packet by packet, of a file that went through unchanged; and the payloads of its sound."""
    _, _, out = remade(path, folder)
    (pts, base), (pts_out, base_out) = shown(path), shown(out)
    if base.numerator == 1:
        assert (pts_out, base_out) == (pts, base)
    else:  # no MP4 has such a time base
        assert base_out == Fraction(1, base.denominator)
        assert [t * base_out for t in pts_out] == [t * base for t in pts]
    with av.open(str(out)) as container:
        coded = [p for p in container.demux(video=0) if p.size]
    assert all(p.dts <= p.pts for p in coded)
    assert all(b.dts > a.dts for a, b in itertools.pairwise(coded))
    before, after = packets(path, "audio"), packets(out, "audio")
    assert [[data for _, data in s] for s in after] == [[data for _, data in s] for s in before]
    for old, new in zip(before, after, strict=True):
        drift = max(abs(a - b) for (a, _), (b, _) in zip(old, new, strict=True))
        assert drift < (Fraction(1, 900) if path.suffix in (".mkv", ".ts") else Fraction(1, 44100))  # they round times


def reference(path):
    """PyAV's own frames, (h, w, 3) uint8 BGR, HDR brought to a screen's look."""
    with av.open(str(path)) as container:
        curve = video.CURVES.get(int(container.streams.video[0].codec_context.color_trc))
        for frame in container.decode(video=0):
            shown = frame.to_ndarray(format="bgr24")
            shown = cv2.rotate(shown, cv2.ROTATE_90_COUNTERCLOCKWISE) if frame.rotation == 90 else shown
            yield cv2.LUT(shown, curve.table()) if curve else shown


def check_decoded(path):
    frames, info = video.index(path, name="x", **INDEX)
    count = 0
    for (number, frame), expected in zip(video.decode(path, frames, info), reference(path), strict=True):
        assert number == count and frame.flags.writeable
        assert frame.shape == expected.shape
        difference = np.abs(frame.astype(int) - expected)
        assert np.median(difference) <= 1 and difference.mean() < 6, "they differ only in how chroma is enlarged"
        count += 1
    assert count == len(frames)


PATCHES = [(0, 0, 255), (0, 255, 0), (255, 0, 0), (255, 255, 255), (0, 0, 0), (30, 120, 200), (128, 128, 128)]


def patches(width, height):
    frame = np.zeros((height, width, 3), np.uint8)
    for k, colour in enumerate(PATCHES):
        frame[:, k * width // 7 : (k + 1) * width // 7] = colour
    return frame


def middles(frame):
    return frame[frame.shape[0] // 2, [(2 * k + 1) * frame.shape[1] // 14 for k in range(7)]].astype(int)
