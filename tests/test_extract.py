"""Faces from frames, with a detector and landmarks that are known."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swapcore import align, detect, extract, store
from swapcore.config.fields import Faces
from swapcore.types import ClipInfo, FaceSet

INFO = ClipInfo(name="x", width=200, height=120, time_base=Fraction(1, 25), rate=Fraction(25))
PHOTOS = ClipInfo(name="x", width=200, height=120, time_base=Fraction(1), rate=Fraction(1), photos=True)
MARKS = np.concatenate([np.zeros((17, 2)), align.TEMPLATE_XY * 40]).astype(np.float32)
SETTINGS = Faces(every=4, crop_size=128, embed_every=3)


def film(count):
    """Frames with one face at first, from the eighth on with two; their picture is noise that stays."""
    noise = np.random.default_rng(0).integers(0, 255, (120, 200, 3)).astype(np.uint8)
    for n in range(count):
        frame = noise.copy()
        frame[0, 0] = n
        yield n, 0, frame


def places(n):
    return [np.array([50, 60])] + ([np.array([140, 60])] if n >= 8 else [])


def detector(frame_bgr):
    found = [detect.box_around(MARKS + place) for place in places(int(frame_bgr[0, 0, 0]))]
    return np.array(found, np.float32), np.full(len(found), 2, np.float32)


def fit(gray, box, angle):
    near = [place for place in places(int(gray[0, 0])) if abs(place[0] - (box[0] + box[2]) / 2) < 30]
    return MARKS + (near[0] if near else np.array([300, 300])).astype(np.float32)


class Network:
    """Gives each chip its mean as embedding, and counts the chips."""

    def __init__(self):
        self.chips = 0

    def run(self, names, feed):
        self.chips += len(feed["faces"])
        return [
            np.repeat(feed["faces"].reshape(len(feed["faces"]), -1).mean(1, keepdims=True), 128, 1).astype(np.float32)
        ]


def made(count, settings=SETTINGS, info=INFO, network=None, given=None):
    network = network or Network()
    session = network if callable(network) else lambda: network
    names = dict.fromkeys(range(count), "")
    frames = film(count)
    with ThreadPoolExecutor(1) as worker:
        found = extract.extract(
            *(frames, names, info, settings),
            origins=dict.fromkeys(range(count), ("x.mp4", "0" * 64)),
            given=given or {},
            detector=detector,
            fit=fit,
            worker=worker,
            network=session,
        )
        return list(found), network


def test_no_face_is_forgotten_and_all_are_in_order():
    found, _ = made(30)
    assert [row["id"] for row, _ in found] == [f"{n:06d}_{k}" for n in range(30) for k in range(len(places(n)))]
    for row, png in found:
        note = store.face_row(png)
        assert (note.id, note.clip, note.file, note.frame) == (row["id"], "x", "x.mp4", row["frame"])
        assert store.face_crop(png).shape == (128, 128, 3)


def test_a_tracks_first_face_and_every_third_frame_are_embedded_and_the_others_take_the_nearest():
    found, network = made(20)
    rows = [row for row, _ in found]
    own = [row["id"] for row in rows if row["embedding"] is not None]
    assert own == [f"{n:06d}_{k}" for n in range(20) for k in range(len(places(n))) if n % 3 == 0 or n == 8 * k]
    assert network.chips == len(own)
    parts = []
    assert [name for name, _ in extract.gathered(iter(found), parts)] == [row["id"] for row in rows]
    faces = extract.table(parts)
    assert faces.id.tolist() == [row["id"] for row in rows] and np.isfinite(faces.embedding).all()
    left = faces.select(faces.track == 0)
    np.testing.assert_array_equal(left.embedding[[1, 2, 4]], left.embedding[[0, 3, 3]])


def test_photos_are_all_embedded():
    found, network = made(10, info=PHOTOS)
    assert network.chips == len(found) == 12
    assert [row["track"] for row, _ in found] == list(range(12))


def test_photos_that_say_where_their_face_is_need_no_detection():
    elsewhere = MARKS + np.float32([100, 50])
    found, _ = made(10, info=PHOTOS, given={3: (elsewhere, 1.5), 9: (elsewhere, 0.5)})
    rows = [row for row, _ in found]
    assert [row["frame"] for row in rows] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 9]
    assert [row["track"] for row in rows] == list(range(11))
    for row, score in ((rows[3], 1.5), (rows[10], 0.5)):
        np.testing.assert_array_equal(row["landmarks_xy"], elsewhere)
        assert row["score"] == score and not row["detected"] and row["fitted"]


def test_very_large_frames_are_looked_at_more_often(monkeypatch):
    monkeypatch.setattr(extract, "QUEUE_BYTES", 2 * 3 * 200 * 120 * 2)
    found, _ = made(9)
    assert [row["frame"] for row, _ in found if row["detected"]] == [0, 2, 4, 6, 8, 8]


def test_nothing_found_is_an_empty_table():
    assert len(extract.table([])) == 0


def test_an_error_of_the_network_is_not_swallowed():
    def broken():
        raise RuntimeError("no network")

    with pytest.raises(RuntimeError, match="no network"):
        made(3, network=broken)


@given(st.lists(st.integers(0, 99), min_size=1, unique=True), st.lists(st.integers(0, 99), min_size=1))
def test_nearest_is_nearest(among, values):
    among, values = np.sort(among), np.array(values)
    chosen = among[extract._nearest(values, among)]
    np.testing.assert_array_equal(np.abs(chosen - values), np.abs(among - values[:, None]).min(1))


def test_rows_are_packed_in_parts(monkeypatch):
    found, _ = made(20)
    whole, parts = [], []
    list(extract.gathered(iter(found), whole))
    monkeypatch.setattr(extract, "PART", 3)
    list(extract.gathered(iter(found), parts))
    assert len(parts) > len(whole) == 1
    for name, column in extract.table(parts).columns().items():
        np.testing.assert_array_equal(column, getattr(extract.table(whole), name))


KILLED = """
import os, signal
from functools import partial
from swapcore import extract

if __name__ == "__main__":
    worker = extract.second_process(partial(int), threads=1)
    print(worker.submit(os.getpid).result(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_second_process_ends_where_the_first_is_killed(root, tmp_path):
    """It holds the first one's stdout, which is read to its end."""
    (tmp_path / "killed.py").write_text(KILLED)
    environment = os.environ | {"PYTHONPATH": str(root)}
    command = [sys.executable, tmp_path / "killed.py"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        second = int(process.stdout.readline())
        try:
            said, _ = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            os.kill(second, signal.SIGKILL)
            pytest.fail("the second process goes on alone")
    assert said == "" and process.returncode == -signal.SIGKILL


def marked(frame, track, *, every):
    """Faces in these frames, of one track, whose embedding tells their frame; every so many frames one has its own."""
    count, frame = len(frame), np.array(frame, np.int64)
    own = (frame % every == 0) | (np.arange(count) == 0)
    columns = {name: np.zeros((count, *value.shape[1:])) for name, value in FaceSet.empty().columns().items()}
    columns |= {"id": [f"{n:06d}_0" for n in frame], "frame": frame, "track": np.full(count, track)}
    columns |= {"box_xyxy": np.tile([40.0, 40, 80, 80], (count, 1)), "landmarks_xy": MARKS + frame[:, None, None] % 5}
    return FaceSet(**columns | {"embedding": np.where(own[:, None], frame[:, None] * np.ones(128), np.nan)})


def test_parts_joined_are_the_whole():
    whole = extract.table([marked(range(3, 40), 0, every=4)])
    parts = [marked(range(3, 30), 0, every=4), marked(range(13, 40), 5, every=4)]
    joined = extract.table(extract.joined(parts, [range(20), range(20, 40)]))
    for name, column in whole.columns().items():
        np.testing.assert_array_equal(getattr(joined, name), column, err_msg=name)


def test_a_track_whose_embedded_faces_lie_in_the_margin_keeps_their_embedding():
    parts = [marked([], 0, every=4), marked([17, 18, 19, 21, 22], 0, every=50)]
    joined = extract.table(extract.joined(parts, [range(20), range(20, 40)]))
    assert joined.frame.tolist() == [21, 22] and (joined.embedding == 17).all()
