from __future__ import annotations

import cv2
import numpy as np
import pytest
from test_align import face, picture

from swapcore import embedding, nets, store


@pytest.fixture(scope="module")
def session():
    return nets.identity_session(threads=1)


@pytest.mark.parametrize(("width", "degrees", "close"), [(55, 0, 1.0), (70, 20, 1.0), (40, -35, 1.0), (260, 10, 3.0)])
def test_chips_are_dlibs(width, degrees, close):
    import dlib

    frame = cv2.resize(picture(), (900, 800))
    frame[::40] = 255
    frame[:, ::50] = 0
    frame = cv2.GaussianBlur(frame, (0, 0), 3)
    landmarks = np.round(face(450, 400, width, degrees))
    points = dlib.points([dlib.point(int(x), int(y)) for x, y in landmarks])
    shape = dlib.full_object_detection(dlib.rectangle(300, 300, 500, 500), points)
    want = dlib.get_face_chip(np.ascontiguousarray(frame[..., ::-1]), shape, 150, 0.25)[..., ::-1]
    got = embedding.chips(frame, landmarks[None])[0]
    assert got.shape == (150, 150, 3) and got.dtype == np.uint8
    assert np.abs(got.astype(float) - want)[3:-3, 3:-3].mean() < close


def test_chips_of_no_faces_and_of_faces_beyond_the_frame(session):
    assert embedding.chips(picture(), np.zeros((0, 68, 2))).shape == (0, 150, 150, 3)
    assert embedding.embed(picture(), np.zeros((0, 68, 2)), session).shape == (0, 128)
    found = embedding.embed(picture(), np.stack([face(-30, 100), face(5000, 100)]), session)
    assert found.shape == (2, 128) and found.dtype == np.float32 and np.isfinite(found).all()


def test_batches_of_any_length(session, monkeypatch):
    chips = np.stack([embedding.chips(picture(), face(x)[None])[0] for x in (100, 180, 260, 300, 340)])
    want = embedding.embed_chips(chips, session)
    monkeypatch.setattr(embedding, "BATCH", 2)
    np.testing.assert_allclose(embedding.embed_chips(chips, session), want, atol=1e-6)


def test_real_people_are_told_apart(footage, session):
    import dlib

    detector, predictor = dlib.get_frontal_face_detector(), dlib.shape_predictor(str(nets.model_path("landmarks")))
    network = dlib.face_recognition_model_v1(str(nets.model_path("identity")))
    found = {}
    for who in "abc":
        for path in store.pictures(footage / f"photos_{who}")[:2]:
            photo = store.read_picture(path)
            rgb = np.ascontiguousarray(photo[..., ::-1])
            shape = predictor(rgb, detector(rgb, 0)[0])
            landmarks = np.array([[(p.x, p.y) for p in shape.parts()]], np.float32)
            ours, theirs = embedding.embed(photo, landmarks, session)[0], network.compute_face_descriptor(rgb, shape)
            assert np.linalg.norm(ours - np.array(theirs)) < 0.08
            found.setdefault(who, []).append(ours)
    for who, (first, second) in found.items():
        assert np.linalg.norm(first - second) < 0.5
        assert all(np.linalg.norm(first - other) > 0.7 for name in found if name != who for other in found[name])
