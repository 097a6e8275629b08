"""The studio: the same seeds give the same pixels, and the truth about a picture is true."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest

from swapcore.config.fields import StudioClip
from swapcore.errors import SwapError
from swapcore.studio import (
    CAST,
    LABELS,
    SCENES,
    Frame,
    Occluder,
    Performance,
    actor_named,
    clip,
    render,
    render_motion,
    swap_actor,
    true_swap,
    voice,
)
from swapcore.studio.actor import build
from swapcore.studio.identity import draw_identity
from swapcore.studio.labels import Part, Surface

SIZE = 160
OUTSIDE = [Part.BACKGROUND, Part.HAIR, Part.EAR, Part.NECK, Part.CLOTH]


@pytest.fixture(scope="module")
def ann():
    return actor_named("ann")


@pytest.fixture(scope="module")
def bob():
    return actor_named("bob")


@pytest.fixture(scope="module")
def swapped(ann, bob):
    return swap_actor(ann, bob)


@pytest.fixture(scope="module")
def dlib_models():
    dlib = pytest.importorskip("dlib")
    folder = Path(importlib.util.find_spec("face_recognition_models").origin).parent / "models"
    points = dlib.shape_predictor(str(folder / "shape_predictor_68_face_landmarks.dat"))
    return dlib, points, dlib.face_recognition_model_v1(str(folder / "dlib_face_recognition_resnet_model_v1.dat"))


def predicted(dlib_models, frame_bgr):
    """What dlib makes of the one face that its HOG detector finds: landmarks (68, 2) and identity (128,)."""
    dlib, points, identity = dlib_models
    rgb = np.ascontiguousarray(frame_bgr[..., ::-1])
    (box,) = dlib.get_frontal_face_detector()(rgb, 0)
    shape = points(rgb, box)
    return np.array([[p.x, p.y] for p in shape.parts()]), np.array(identity.compute_face_descriptor(rgb, shape))


def test_the_same_seed_gives_the_same_pixels():
    def play(performance):
        return [f for f, _ in clip("ann", performance=performance, seconds=0.12, size=128, rate=25, grain=2.0)]

    first, again, other = play(77), play(77), play(8)
    assert len(first) == 3 and first[0].shape == (128, 128, 3) and first[0].dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first, other)


def test_pictures_are_bgr(bob):
    frame_bgr, truth = render(bob, Frame(), size=SIZE)
    blue, _, red = frame_bgr[truth.parsing == Part.SKIN].mean(0)
    assert red > blue + 20


def test_an_unknown_actor_is_refused_with_the_cast():
    for name in ("anne", "seed:-1", "seed:x", ""):
        with pytest.raises(SwapError, match=r"ann, bob.*seed:123"):
            clip(name, performance=1, seconds=1, size=128, rate=25, grain=0)


@pytest.mark.parametrize("name", CAST)
def test_landmarks_are_where_dlib_sees_them(name, dlib_models):
    frame_bgr, truth = render(actor_named(name), Frame(yaw=5, mouth=0.2, background=3), size=256)
    (face,) = truth.faces
    xy = face.landmarks_xy
    assert xy.shape == (68, 2) and xy.dtype == np.float32
    assert (xy > 0).all() and (xy < 255).all()
    assert face.visible[17:].all()
    found, _ = predicted(dlib_models, frame_bgr)
    error = np.linalg.norm(found - xy, axis=1).mean() / np.linalg.norm(xy[36] - xy[45])
    assert error < 0.065


def test_landmarks_lie_on_what_they_name(ann):
    _, truth = render(ann, Frame(mouth=0.6, smile=0.3), size=256)
    x, y = np.round(truth.faces[0].landmarks_xy).astype(int).T
    middle_x, middle_y = (x[36:42].mean(), x[42:48].mean()), (y[36:42].mean(), y[42:48].mean())
    for part, cx, cy in zip((Part.EYE_RIGHT, Part.EYE_LEFT), middle_x, middle_y, strict=True):
        assert truth.parsing[round(cy), round(cx)] == part
    inner = truth.parsing[(y[62] + y[66]) // 2, (x[62] + x[66]) // 2]
    assert inner == Part.MOUTH
    for part, points in ((Part.BROW_RIGHT, slice(17, 22)), (Part.BROW_LEFT, slice(22, 27))):
        shown = np.argwhere(truth.parsing == part)[:, ::-1]
        assert np.linalg.norm(shown.mean(0) - truth.faces[0].landmarks_xy[points].mean(0)) < 5
    nose = np.argwhere(truth.parsing == Part.NOSE)[:, ::-1]
    assert np.linalg.norm(nose.mean(0) - truth.faces[0].landmarks_xy[27:36].mean(0)) < 12


def test_the_parsing_map_has_every_label():
    actor = build(draw_identity(411, hair="quiff", glasses=True))
    hand = Occluder("hand", x=60, y=-90, rotation=0.5)
    seen = set()
    for frame in (Frame(mouth=0.8, scale=0.7), Frame(occluder=hand, scale=0.7)):
        seen |= set(np.unique(render(actor, frame, size=SIZE)[1].parsing).tolist())
    assert seen == set(LABELS.values()) == set(range(15))


def test_a_hand_hides_landmarks(bob):
    hidden = Frame(occluder=Occluder("box", x=0, y=-60))
    face = render(bob, hidden, size=SIZE)[1].faces[0]
    assert not face.visible[48:68].any()
    assert face.visible[17:27].all()


def test_pose_has_the_signs_of_the_house(bob):
    def nose_and_eyes(**pose):
        face = render(bob, Frame(**pose), size=SIZE)[1].faces[0]
        assert (face.yaw, face.pitch, face.roll) == tuple(float(pose.get(k, 0)) for k in ("yaw", "pitch", "roll"))
        eyes = face.landmarks_xy[36:48].reshape(2, 6, 2).mean(1)
        return face.landmarks_xy[30] - eyes.mean(0), eyes[1] - eyes[0]

    straight, _ = nose_and_eyes()
    assert nose_and_eyes(yaw=20)[0][0] > straight[0] + 3  # to the image's right
    assert nose_and_eyes(pitch=15)[0][1] < straight[1] - 1.5  # up
    _, across = nose_and_eyes(roll=10)
    assert np.degrees(np.arctan2(across[1], across[0])) == pytest.approx(10, abs=1.5)  # clockwise


def test_depth_and_normals_agree_with_the_parsing(bob):
    _, truth = render(bob, Frame(yaw=10), size=SIZE)
    shown = truth.parsing != Part.BACKGROUND
    np.testing.assert_array_equal(shown, np.isfinite(truth.depth))
    np.testing.assert_array_equal(shown, truth.actor == 0)
    np.testing.assert_allclose(np.linalg.norm(truth.normal[shown], axis=-1), 1, atol=1e-3)
    assert 700 < truth.depth[truth.parsing == Part.NOSE].min() < truth.depth[truth.parsing == Part.EAR].min() < 1000


def test_several_actors_share_a_picture(ann, bob):
    frames = [Frame(scale=0.5, shift_x=-0.22), Frame(scale=0.5, shift_x=0.22)]
    _, truth = render([ann, bob], frames, size=SIZE)
    for index, face in enumerate(truth.faces):
        x, y = np.round(face.landmarks_xy[30]).astype(int)
        assert truth.actor[y, x] == index and truth.parsing[y, x] == Part.NOSE


def test_the_true_swap_changes_the_face_alone(ann, bob, swapped):
    frame = replace(Performance(8)(2.0), grain=0.0)
    before, truth = render(bob, frame, size=SIZE)
    after, truth_after = render(swapped, frame, size=SIZE)
    change = np.abs(before.astype(int) - after).max(-1)
    outside = np.isin(truth.parsing, OUTSIDE) & np.isin(truth_after.parsing, OUTSIDE)
    assert outside.mean() > 0.5
    assert (change[outside] > 8).mean() < 0.01  # edges of outlines and shadows
    assert (change[np.isin(truth.parsing, [Part.LIPS, Part.BROW_LEFT, Part.BROW_RIGHT])] > 8).mean() > 0.5


def test_the_true_swap_is_the_source_to_the_identity_network(ann, bob, swapped, dlib_models):
    def embedding(actor):
        return predicted(dlib_models, render(actor, Frame(yaw=5, mouth=0.1), size=256)[0])[1]

    source, target, result = embedding(ann), embedding(bob), embedding(swapped)
    assert np.linalg.norm(source - target) > 0.55
    assert np.linalg.norm(result - source) < 0.35
    assert np.linalg.norm(result - target) > 0.5


def test_the_true_swap_of_a_clip_is_its_frames_with_another_face():
    part = {"performance": 8, "seconds": 0.2, "size": SIZE, "rate": 25, "grain": 2.0}
    before = list(clip("bob", **part))
    swapped = list(true_swap("ann", "bob", **part, numbers=[3, 1]))
    assert [number for number, _, _ in swapped] == [3, 1]
    for number, picture, truth in swapped:
        outside = np.isin(before[number][1].parsing, OUTSIDE) & np.isin(truth.parsing, OUTSIDE)
        change = np.abs(picture.astype(int) - before[number][0]).max(-1)
        assert (change[outside] > 8).mean() < 0.015  # edges of outlines and shadows: the grain is the same
        nothing = (before[number][1].parsing == Part.BACKGROUND) & (truth.parsing == Part.BACKGROUND)
        assert (change[nothing] == 0).mean() > 0.98
        assert change[~outside].mean() > 10
    with pytest.raises(SwapError, match=r"frame 5 .* 0 to 4"):
        true_swap("ann", "bob", **part, numbers=[5])


@pytest.mark.parametrize("scene", SCENES)
def test_every_scene_has_its_truth_and_its_true_swap(scene):
    part = {"performance": 8, "seconds": 0.8, "size": 96, "rate": 5, "grain": 1.0, "scene": scene}
    frames = list(clip("bob", **part))
    _, picture, truth = next(true_swap("ann", "bob", **part, numbers=[2]))
    assert len(frames) == 4 and SCENES[scene].about
    before, about = frames[2]
    assert before.shape == picture.shape == (96, 96, 3) and not np.array_equal(before, picture)
    for face, same in zip(about.faces, truth.faces, strict=True):
        assert face.landmarks_xy.shape == (68, 2) and abs(face.yaw) <= 46
        assert np.linalg.norm(face.light_towards) == pytest.approx(1)
        assert (face.light_rgb > 0).all() and (face.ambient_rgb > 0).all()
        assert face.yaw == same.yaw and np.array_equal(face.light_towards, same.light_towards)
    gone = (about.parsing == Part.BACKGROUND) & (truth.parsing == Part.BACKGROUND)
    off = np.abs(before.astype(int) - picture).max(-1)[gone]
    assert (off > 20).mean() < 0.03  # only where outlines were sampled, or smear


def test_scenes_show_what_they_say():
    def play(scene, seconds=2.8, actor="bob"):
        return [t for _, t in clip(actor, performance=8, seconds=seconds, size=96, rate=2.5, grain=0, scene=scene)]

    assert max(abs(t.faces[0].yaw) for t in play("calm")) < 8
    assert max(abs(t.faces[0].yaw) for t in play("turns", 5)) > 43
    sides = [t.faces[0].light_towards[0] for t in play("side_light", 4)]
    assert max(sides) > 0.9 and min(sides) < -0.9
    hidden = [(~t.faces[0].visible[27:]).mean() for t in play("hand")]
    assert max(hidden) > 0.5 and min(hidden) == 0
    assert all((t.parsing == Part.GLASSES).any() for t in play("glasses", 0.4))
    for actor in ("ann", "bob"):
        (plain,), (fringed,) = (play(scene, 0.4, actor) for scene in ("talk", "fringe"))
        assert (fringed.parsing == Part.HAIR).sum() > (plain.parsing == Part.HAIR).sum() * 1.1
    crossing = play("crossing", 4.2)
    gaps = [t.faces[0].landmarks_xy[30, 0] - t.faces[1].landmarks_xy[30, 0] for t in crossing]
    assert gaps[0] > 15 and gaps[-1] < -15
    met = crossing[int(np.argmin(np.abs(gaps)))]
    assert met.faces[0].visible[27:].all() and not met.faces[1].visible[27:].all()


def test_an_unknown_scene_is_refused_with_the_scenes():
    with pytest.raises(SwapError, match=r"'hands' \(did you mean hand\?\): expected one of talk, calm"):
        clip("bob", performance=1, seconds=1, size=128, rate=25, grain=0, scene="hands")


def test_the_configuration_knows_the_scenes():
    assert get_args(StudioClip.model_fields["scene"].annotation) == tuple(SCENES)


def test_a_smearing_frame_keeps_its_grain_and_the_truth_of_its_middle(bob):
    def act(seconds):
        return Frame(yaw=200 * (seconds - 1), grain=4.0, grain_seed=3)

    still, truth = render(bob, act(1.0), size=SIZE)
    smeared, about = render_motion(bob, act, 1.0, size=SIZE, samples=5, shutter=0.05)
    np.testing.assert_array_equal(truth.parsing, about.parsing)
    wall = truth.depth == np.inf
    assert smeared[wall].std() == pytest.approx(still[wall].std(), rel=0.05)
    sharp, soft = (cv2.Laplacian(p[..., 1], cv2.CV_32F)[truth.parsing == Part.LIPS].std() for p in (still, smeared))
    assert soft < 0.9 * sharp
    with pytest.raises(ValueError, match="odd number"):
        render_motion(bob, act, 1.0, size=SIZE, samples=4, shutter=0.05)


def test_the_voice_follows_the_mouth():
    performance, rate = Performance(77), 16000
    samples = voice(performance, seconds=6, sample_rate=rate)
    assert samples.shape == (6 * rate,) and samples.dtype == np.float32
    assert 0.2 < np.abs(samples).max() <= 1
    step = 0.04
    loudness = np.sqrt((samples.reshape(-1, round(step * rate)) ** 2).mean(1))
    mouth = [performance(t).mouth for t in (np.arange(len(loudness)) + 0.5) * step]
    assert np.corrcoef(mouth, loudness)[0, 1] > 0.9
    spectrum = np.abs(np.fft.rfft(samples))
    hertz = np.fft.rfftfreq(len(samples), 1 / rate)
    assert (spectrum[hertz > 4000] ** 2).sum() < 0.01 * (spectrum**2).sum()
    silent = voice(Performance(77, talk=0.0), seconds=1, sample_rate=rate)
    assert not silent.any()


def test_kernels_know_the_surfaces():
    from swapcore.studio import shade

    assert (shade._SKIN, shade._EYE, shade._HAIR) == (Surface.SKIN, Surface.EYE, Surface.HAIR)


def test_where_nothing_can_be_kept_kernels_are_compiled_anew(monkeypatch):
    from swapcore.studio import compile

    def njit(function, cache=False, **_):
        if cache:
            raise RuntimeError("cannot cache function 'f': no locator available for file 'f.py'")
        return function

    monkeypatch.setattr(compile.numba, "njit", njit)
    with pytest.warns(UserWarning, match="NUMBA_CACHE_DIR"):
        assert compile.compiled(len) is len
