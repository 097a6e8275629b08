"""Small clips that ffmpeg makes for tests, and what several tests of video do with them."""

from __future__ import annotations

import itertools
import subprocess
from fractions import Fraction

import av
import cv2
import numpy as np

from swapcore import video

INDEX = {"start": None, "end": None, "shot_threshold": 30.0, "duplicate_threshold": 0.05}
SOUND = ["-f", "lavfi", "-i", "aevalsrc=random(0)-0.5:d=2:s=44100"]  # noise: no two packets are alike


def ff(*words):
    subprocess.run([video.ffmpeg(), "-v", "error", "-y", *map(str, words)], check=True)


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
}


def made_clips(folder):
    """Make all CLIPS in a folder."""
    for name, words in CLIPS.items():
        ff(*words, folder / name)


def packets(path, kind):
    """Per stream of the kind: (time in seconds, bytes) of each packet, in order of times."""
    with av.open(str(path)) as container:
        streams = [s for s in container.streams if s.type == kind]
        found = {s.index: [] for s in streams}
        for packet in container.demux(streams) if streams else []:
            if packet.size:
                found[packet.stream_index].append((packet.pts * packet.time_base, bytes(packet)))
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
        out, video=composite, frames=frames, info=info, source=path, audio=True, metadata={"own": "1"}, origin=begin
    )
    return frames, info, out


def check_remade(path, folder):
    frames, info, out = remade(path, folder)
    again, info_again = video.index(out, name="x", **INDEX)
    assert again.pts.tolist() == frames.pts.tolist()
    assert info_again.time_base == info.time_base
    with av.open(str(out)) as container:
        coded = [p for p in container.demux(video=0) if p.size]
    assert all(p.dts <= p.pts for p in coded)
    assert all(b.dts > a.dts for a, b in itertools.pairwise(coded))
    before, after = packets(path, "audio"), packets(out, "audio")
    assert [[data for _, data in s] for s in after] == [[data for _, data in s] for s in before]
    for old, new in zip(before, after, strict=True):
        assert max(abs(a - b) for (a, _), (b, _) in zip(old, new, strict=True)) < Fraction(1, 900)  # Matroska's ms


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
