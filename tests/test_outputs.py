"""What is made of a conversion on request: passes, side by side and preview, by the scripts, with a stand-in for the network."""

from __future__ import annotations

import argparse
import importlib
import json
from dataclasses import fields
from fractions import Fraction
from types import SimpleNamespace

import av
import cv2
import media
import numpy as np
import pytest

from swapcore import config, label, store, video, views
from swapcore.passes import FORMS, PASSES
from swapcore.types import Changed, FaceSet

SWAP = [{"name": "ann_onto_bob", "source": "ann", "target": "bob"}]
TRAINED = {"ann_onto_bob": {"model": "small", "resolution": 64, "steps": 9, "weights": {"sha256": "0" * 64}}}


class Face:
    """A red ellipse, laid over each frame but the first three."""

    left, top = 30, 20

    def __init__(self):
        y, x = np.mgrid[0:40, 0:30].astype(np.float32)
        self.alpha = np.clip(1.5 - np.hypot((x - 14.5) / 12, (y - 19.5) / 16), 0, 1)
        self.bgr = np.full((40, 30, 3), (0.2, 0.2, 0.8), np.float32)


def laid(picture, face):
    """The face over the picture, plane by plane."""
    from swapcore.passes.layers import spread

    over, alpha = video.to_bgr(picture), spread(face.alpha, face.left, face.top, picture.layout.shapes[0])
    over[face.top : face.top + 40, face.left : face.left + 30] = face.bgr
    other, after = video.from_bgr(over, picture.layout), picture.copy()
    for k, (plane, new) in enumerate(zip(after.planes, other.planes, strict=True)):
        _, _, share = video.block_means(alpha, 0, 0, picture.layout, k)
        plane[:] = np.rint(new * share + plane * (1 - share))
    return after


class Job(SimpleNamespace):
    """What conversion.opened gives, of a clip that is converted by `laid`."""

    def converted(self, wanted=None):
        from conversion import Converted

        pictures = video.decode_pictures(self.args.path, self.frames, self.info, self.layout, wanted=wanted)
        for number, before in pictures:
            faces = [Face()] if number in self.chosen else []
            after = laid(before, faces[0]) if faces else before
            yield Converted(number, before, after, faces)

    def note(self):
        return {"mode": "opening", "text": "Synthetic: face swapped", "seconds": 2.0}


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for name in ("constant.mp4", "variable.mp4"):
        media.ff(*media.CLIPS[name], folder / name)
    tags = "setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc"
    hdr = ["-vf", f"scale=97:75,format=yuv420p10le,setsar=4/3,{tags}", "-c:v", "ffv1"]
    media.ff(*media.picture(seconds=0.4), *hdr, folder / "hdr.mkv")
    return folder


@pytest.fixture
def started(root, clips, tmp_path, monkeypatch):
    """A function that runs a script's main on a clip."""
    monkeypatch.syspath_prepend(str(root / "scripts"))
    conversion = importlib.import_module("conversion")

    def start(script, clip, start=None, rate=None, **own):
        path, table = clips / clip, tmp_path / "frames.parquet"
        frames, info = video.index(path, name="x", **media.INDEX | {"start": start}, **({"rate": rate} if rate else {}))
        store.write_table(table, frames, {"clip": info.to_json(), "sha256": "1" * 64, "start": start, "end": None})
        job = Job(
            frames=frames,
            info=info,
            layout=video.layout(path, name="x"),
            chosen={int(n): [Changed("ann_onto_bob", int(n) - 3)] for n in frames.number[3:]},
            trained=TRAINED,
            settings=config.parse("convert", "{}"),
            labels=config.parse("label", "{}"),
        )
        args = argparse.Namespace(
            video="v",
            path=path,
            frames=table,
            swaps=json.dumps(SWAP),
            settings="{}",
            label_settings="{}",
            view="{}",
            consents="{}",
            **own,
        )
        job.args = args
        monkeypatch.setattr(conversion, "opened", lambda given: job)
        importlib.import_module(script).main(args)
        return job

    return start


def pictures(path):
    with av.open(str(path)) as container:
        yield from container.decode(video=0)


def planes(frame):
    dtype = np.dtype("<u2") if frame.format.components[0].bits > 8 else np.dtype(np.uint8)
    for plane in frame.planes:
        yield np.frombuffer(plane, dtype).reshape(plane.height, -1)[:, : plane.width]


@pytest.mark.parametrize("form", FORMS)
def test_a_folder_of_passes_is_complete_and_explained(form, started, tmp_path):
    folder = tmp_path / "passes" / form
    job = started("passes", "variable.mp4", form=form, folder=folder)
    said = json.loads((folder / "passes.json").read_text())
    assert said["synthetic"] and said["form"]["is"] == FORMS[form].words and said["swaps"][0]["steps"] == 9
    assert said["times"]["pts"] == job.frames.pts.tolist() and said["times"]["first_frame"] == 0
    assert set(said["passes"]) == set(PASSES) and said["clip"]["sha256"] == "1" * 64
    assert "passes.json" in said["marks"]["comment"] and not list(folder.rglob("*plain*"))
    for name, row in said["passes"].items():
        if FORMS[form].files:
            expected = [f"{name}.{n:06d}{FORMS[form].suffix}" for n in job.frames.number]
            assert sorted(p.name for p in (folder / name).iterdir()) == expected
            assert row["files"] % 7 == f"{name}/{expected[7]}"
        else:
            assert row["sha256"] == store.sha256(folder / row["file"])
            pts, base = media.shown(folder / row["file"])
            near = Fraction(1, 2000) if form == "ffv1" else 0
            wanted = [int(p) * job.info.time_base for p in job.frames.pts]
            assert all(abs(a * base - b) <= near for a, b in zip(pts, wanted, strict=True))
            assert "Synthetic" in video.read_metadata(folder / row["file"])["comment"]


def test_outside_of_the_matte_the_lossless_pass_is_the_source(started, tmp_path):
    job = started("passes", "constant.mp4", form="ffv1", folder=tmp_path / "ffv1")
    swapped, matte = pictures(tmp_path / "ffv1/swapped.mkv"), pictures(tmp_path / "ffv1/matte.mkv")
    source = video.decode_pictures(job.args.path, job.frames, job.info, job.layout)
    for found, mask, (number, before) in zip(swapped, matte, source, strict=True):
        (alpha,) = planes(mask)
        assert alpha.any() == (number > 2)
        changed = 0
        for plane, given in zip(planes(found), before.planes, strict=True):
            step = alpha.shape[0] // plane.shape[0]
            covered = alpha.reshape(plane.shape[0], step, plane.shape[1], step).any((1, 3))
            assert np.array_equal(plane[~covered], given[~covered])
            changed += (plane != given).sum()
        assert (changed > 500) == (number > 2)


@pytest.mark.parametrize("form", ["png", "exr"])
def test_the_face_laid_over_the_source_is_the_swapped_pass(form, started, tmp_path):
    """In light for EXR, in the values as coded for PNG: of an HDR clip of 10 bits with odd sides."""
    started("passes", "hdr.mkv", form=form, folder=tmp_path / form)
    read = {"png": read_png, "exr": read_exr}[form]
    folder = tmp_path / form
    before, after = (read(folder / f"swapped/swapped.{n:06d}") for n in (2, 5))
    face = read(folder / "face/face.000005")
    assert face.shape == (75, 97, 4) and not read(tmp_path / form / "face/face.000002").any()
    inside = cv2.erode((face[..., 3] == 1).astype(np.uint8), np.ones((3, 3))) > 0  # chroma has half the pixels
    color = face[..., :3] if form == "exr" else face[..., :3] * face[..., 3:]
    assert np.abs(color - after[..., :3])[inside].mean() < 0.02 * after[inside].max()
    assert inside.sum() > 50 and before.shape == (75, 97, 3)
    if form == "exr":
        data = (tmp_path / form / "face/face.000005.exr").read_bytes()
        assert (
            b"whiteLuminance" in data and b"pixelAspectRatio\0float\0\x04\0\0\0" + np.float32(4 / 3).tobytes() in data
        )


def read_png(path):
    image = cv2.imread(f"{path}.png", cv2.IMREAD_UNCHANGED)
    assert image.dtype == np.uint16
    return image.astype(np.float32) / 65535


def read_exr(path):
    frame = next(pictures(f"{path}.exr"))
    found = [np.frombuffer(p, np.float16).reshape(p.height, -1)[:, : p.width] for p in frame.planes]
    return np.stack([found[k] for k in (1, 0, 2, 3)[: len(found)]], -1).astype(np.float32)


@pytest.mark.parametrize("start", [None, 1.0])
def test_side_by_side_has_the_sources_times_and_sound(start, started, clips, tmp_path):
    out = tmp_path / "side_by_side.mp4"
    job = started("side_by_side", "variable.mp4", start=start, out=out)
    origin = 0 if start is None else int(job.frames.pts[0])
    assert media.shown(out) == ((job.frames.pts - origin).tolist(), job.info.time_base)
    heard, given = media.packets(out, "audio"), media.packets(clips / "variable.mp4", "audio")
    assert set(data for _, data in heard[0]) <= {data for _, data in given[0]} and (start or heard == given)
    frame = next(pictures(out))
    assert (frame.width, frame.height) == (3 * 128 + 4, 96 + views.BAR)
    said = video.read_metadata(out)
    assert "Synthetic" in said["comment"] and "aigc" in said and label.NOTE_KEY in said
    assert not list(tmp_path.glob(".*"))


def test_side_by_side_of_hdr_is_a_plain_video(started, tmp_path):
    out = tmp_path / "side_by_side.mp4"
    started("side_by_side", "hdr.mkv", out=out)
    with av.open(str(out)) as container:
        codec = container.streams.video[0].codec_context
        assert (codec.width, codec.height) == (3 * 128 + 4, 74 + views.BAR) and codec.pix_fmt == "yuv420p"
        assert int(codec.color_trc) == 1


def test_a_preview_decodes_a_few_frames_and_shows_them(started, tmp_path, monkeypatch):
    count = 60
    blank = {f.name: np.zeros((count, *f.metadata["shape"]), f.metadata["dtype"]) for f in fields(FaceSet)}
    table = blank | {
        "id": np.array([f"{n:06d}_0" for n in range(3, 3 + count)], object),
        "frame": np.arange(3, 3 + count),
        "yaw": np.linspace(-40, 40, count),
        "size": np.full(count, 40),
        "box_xyxy": np.tile([30, 20, 60, 60], (count, 1)),
    }
    store.write_table(tmp_path / "faces.parquet", FaceSet(**table))
    decoded, real = [], video.decode_pictures
    monkeypatch.setattr(video, "decode_pictures", lambda *a, wanted: decoded.append(wanted) or real(*a, wanted=wanted))
    out = tmp_path / "preview.jpg"
    started("preview", "constant.mp4", faces=tmp_path / "faces.parquet", out=out)
    assert len(decoded) == 1 and len(decoded[0]) == 6
    assert store.read_picture(out).shape == (60 + 6 * (360 + views.BAR + 6), 4 * 360 + 30, 3)
    assert b"DigitalSourceType" in out.read_bytes()


def test_an_image_sequences_passes_have_its_own_numbers(started, clips, tmp_path):
    folder = clips / "shots"
    folder.mkdir(exist_ok=True)
    for n in range(1001, 1008):
        cv2.imwrite(str(folder / f"shot.{n}.png"), np.full((96, 128, 3), n % 200, np.uint16) * 257)
    job = started("passes", "shots", form="png", folder=tmp_path / "png", rate=Fraction(24))
    assert job.layout.bits == 16 and (tmp_path / "png/face/face.001007.png").is_file()
    image = cv2.imread(str(tmp_path / "png/swapped/swapped.001005.png"), cv2.IMREAD_UNCHANGED)
    assert image.dtype == np.uint16 and image[0, 0, 0] == 1005 % 200 * 257  # to the bit, outside of the face
    started("side_by_side", "shots", out=tmp_path / "side_by_side.mp4", rate=Fraction(24))
    pts, base = media.shown(tmp_path / "side_by_side.mp4")
    assert [t * base for t in pts] == [Fraction(n, 24) for n in range(7)]
