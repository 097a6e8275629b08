"""Who is who on real people: crowd.mp4, of which it is known who is where. Recall and precision of each person's faces."""

from __future__ import annotations

import argparse
import importlib
import itertools
from fractions import Fraction

import cv2
import numpy as np
import pytest

from swapcore import identify, store, video
from swapcore.config.fields import Groups, Identify
from swapcore.types import FaceSet, References

LIMITS = {"threshold": Identify().threshold, "margin": Identify().margin}
FRAMES = {"a": 120, "b": 90, "c": 180}  # in which the person is: a 0-119 left, c 0-119 right and 120-179, b 180-269


@pytest.fixture(scope="module")
def extracted(tmp_path_factory, root):
    """A function that gives a clip's faces."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root / "scripts"))
        frames, faces = (importlib.import_module(name) for name in ("frames", "faces"))

    def extract(path):
        folder = tmp_path_factory.mktemp("clip")
        clip = {"settings": "{}", "clip": "clip", "path": path, "range": '{"start": null, "end": null, "rate": ""}'}
        frames.main(argparse.Namespace(**clip, out=folder / "frames.parquet"))
        made = {"frames": folder / "frames.parquet", "faces": folder / "faces.parquet", "archive": folder / "faces.zip"}
        faces.main(argparse.Namespace(**clip, **made, detector_file=[]))
        return store.read_table(made["faces"], FaceSet)[0]

    return extract


@pytest.fixture(scope="module")
def crowd(tmp_path_factory, root, footage, extracted):
    """The clip's faces, and what is known of the three from three photos each."""
    folder = tmp_path_factory.mktemp("crowd")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root / "scripts"))
        references = importlib.import_module("references")
    known = {}
    for who in FRAMES:
        photos = {"photos": store.pictures(footage / f"photos_{who}"), "faces": [], "edits": []}
        references.main(argparse.Namespace(settings="{}", person=who, **photos, out=folder / f"{who}.parquet"))
        known[who] = store.read_table(folder / f"{who}.parquet", References)[0].embedding
    return extracted(footage / "crowd.mp4"), known


def truth(faces):
    """Who each face is."""
    middle = (faces.box_xyxy[:, 0] + faces.box_xyxy[:, 2]) / 2
    early = np.where(middle < 480, "a", "c")
    return np.where(faces.frame < 120, early, np.where(faces.frame < 180, "c", "b"))


def check(faces, known, people, refused=()):
    """Of each person at least 98 % of the frames, and nobody else's face; returns recall and precision by name."""
    table = identify.vote(faces, known, candidates=people, refused=refused, decided={}, **LIMITS)
    found, who = {}, truth(faces)
    for name in people:
        mine = table.person == name
        frames = len(set(faces.frame[mine & (who == name)].tolist()))
        found[name] = frames / FRAMES[name], (who[mine] == name).mean() if mine.any() else 1.0
        assert found[name][0] >= 0.98 and found[name][1] == 1, (name, found)
    assert not np.isin(table.person, [n for n in FRAMES if n not in people]).any()
    return table, found


@pytest.mark.parametrize("people", ["a", "b", "c", "ab", "bc", "ca", "abc"])
def test_people_known_from_photos_are_found_and_nobody_else(crowd, people):
    faces, known = crowd
    check(faces, {name: known[name] for name in people}, list(people))
    check(faces, known, list(people))


@pytest.mark.parametrize("photo", [0, 1, 2])
def test_one_photo_is_enough(crowd, photo):
    faces, known = crowd
    one = {name: embeddings[photo : photo + 1] for name, embeddings in known.items()}
    for count in (1, 2, 3):
        for people in itertools.combinations(FRAMES, count):
            check(faces, {name: one[name] for name in people}, list(people))


@pytest.mark.parametrize("refused", FRAMES)
def test_a_refused_person_is_told_from_the_others(crowd, refused):
    faces, known = crowd
    others = [name for name in FRAMES if name != refused]
    for some in (known, known | {refused: known[refused][:1]}):
        table, _ = check(faces, some, others, [refused])
        marked = table.by == "refused"
        assert (truth(faces)[marked] == refused).all() and set(table.nearest[marked]) == {refused}
        assert len(set(faces.frame[marked].tolist())) >= 0.98 * FRAMES[refused]


@pytest.mark.parametrize("alone", [False, True])
def test_where_nobody_is_known_there_are_three_groups(crowd, alone):
    faces, _ = crowd
    if alone:  # as photos are: each face a track of its own
        faces = FaceSet(**faces.columns() | {"track": np.arange(len(faces))})
    number, who = identify.group(faces, threshold=Groups().threshold), truth(faces)
    assert {n: set(who[number == n].tolist()) for n in set(number.tolist())} == {1: {"c"}, 2: {"a"}, 3: {"b"}}


def test_a_dissolve_between_two_people_is_both(crowd, extracted, footage, tmp_path):
    first, second = (pictures(footage / f"clip_{who}.mp4", 40) for who in "cb")
    mixed = [
        cv2.addWeighted(a, 1 - k / 11, b, k / 11, 0)
        for k, (a, b) in enumerate(zip(first[30:], second, strict=False), 1)
    ]
    frames = [*first[:30], *mixed, *second[10:]]
    video.encode(
        tmp_path / "dissolve.mkv", iter(frames), width=480, height=480, rate=Fraction(30), crf=18, preset="fast"
    )
    faces, known = extracted(tmp_path / "dissolve.mkv"), crowd[1]
    assert len(set(faces.track.tolist())) == 1  # the tracker goes over from one to the other
    people = identify.vote(faces, known, candidates=["b", "c"], decided={}, **LIMITS).person
    assert set(people[faces.frame < 30]) == {"c"} and set(people[faces.frame >= 40]) == {"b"}


def pictures(path, count):
    """The first frames of a clip, (480, 480, 3) BGR."""
    clip = cv2.VideoCapture(str(path))
    return [cv2.resize(clip.read()[1], (480, 480)) for _ in range(count)]
