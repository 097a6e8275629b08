"""What the metrics look at."""

from __future__ import annotations

import numpy as np
import pytest
from analytic import face
from measuring import SIDE, clip_faces, noise, unit

from swapcore import align, measure
from swapcore.types import Changed

ROWS = [
    (3, 0, "a", (60, 80)),
    (4, 0, "a", (62, 80)),
    (4, 1, "b", (180, 80)),
    (4, 2, "", (120, 150)),
    (9, 5, "b", (180, 82)),
]


def test_looks_pair_faces_with_themselves_and_the_frame_before():
    faces, _ = clip_faces(ROWS)
    swapped = {3: [Changed("one", 0)], 4: [Changed("one", 1), Changed("two", 2)], 9: [Changed("two", 4)]}
    originals = {n: noise(n, (220, 240, 3), blur=6) for n in (3, 4, 8, 9)}
    results = {n: picture + np.uint8(1) for n, picture in originals.items()}
    note = np.zeros((220, 240), bool)
    note[200:] = True
    asked = []

    def embed(frame_bgr, landmarks_xy):
        asked.append((frame_bgr, landmarks_xy))
        return unit(len(asked))[0]

    found = list(
        measure.looks(
            ((n, originals[n], results[n]) for n in originals),
            faces=faces,
            swapped=swapped,
            wanted=[4, 9],
            embed=embed,
            references={"one": unit(0), "two": unit(1)},
            people={"one": {"target_references": unit(3)}, "two": {}},
            note={4: note},
            refit=lambda frame_bgr, landmarks_xy: landmarks_xy + frame_bgr[0, 0, 0],
            laid=lambda swap, row, size_hw: (50, 60, np.ones((30, 40), np.float32)),
            truth=lambda swap, number: originals[number] + np.uint8(9) if swap == "one" else None,
        )
    )
    assert [(x.frame, x.swap) for x in found] == [(4, "one"), (4, "two"), (9, "two")]
    first, second, third = found
    np.testing.assert_array_equal(first.original_crop, measure.crop(originals[4], faces.landmarks_xy[1]))
    np.testing.assert_array_equal(first.result_before, measure.crop(results[3], faces.landmarks_xy[0]))
    assert second.original_before is None  # b was not there in frame 3
    assert third.result_before is None  # nor in frame 8
    below = np.s_[200:]
    for (frame, _), number in zip(
        asked[1::2], (4, 3, 4, 9), strict=True
    ):  # of the result: now and before, then b in 4 and 9
        np.testing.assert_array_equal(frame[:200], results[number][:200])
        np.testing.assert_array_equal(frame[below], (originals if number == 4 else results)[number][below])
    np.testing.assert_array_equal(first.result_embedding, unit(2)[0])
    np.testing.assert_array_equal(first.original_embedding_before, unit(3)[0])
    np.testing.assert_array_equal(first.truth_crop, measure.crop(originals[4] + np.uint8(9), faces.landmarks_xy[1]))
    moved = first.result_landmarks - first.original_landmarks  # of pictures that differ by 1
    scale = align.scale(align.crop_matrix(faces.landmarks_xy[1], size=SIDE, span=0.6))
    assert moved == pytest.approx(scale, rel=0.05)  # the crop leans a little
    assert first.truth_landmarks is not None and second.truth_crop is None and second.truth_landmarks is None
    assert first.mask.sum() == pytest.approx(30 * 40 * scale**2, rel=0.1) and first.mask_before is not None
    assert third.mask_before is None
    assert not first.outside[210, 120] and third.outside[210, 120]
    assert not first.outside[80, 180], "the other swapped face is not outside"
    assert first.outside[150, 120], "a face that is left alone is"
    np.testing.assert_array_equal(second.references, unit(1))
    assert first.target_references is not None and second.target_references is None


@pytest.mark.parametrize(("count", "wanted"), [(3, [0, 4, 9]), (1, [0]), (50, list(range(10)))])
def test_spread(count, wanted):
    assert measure.spread([*range(9, -1, -1), 4], count) == wanted


def test_crops_of_a_moved_face_are_the_same():
    frame = noise(6, (300, 400, 3), blur=6)
    moved = np.roll(frame, (7, -12), (0, 1))
    first, second = face((200, 150), 40), face((188, 157), 40)
    difference = np.abs(measure.crop(frame, first).astype(int) - measure.crop(moved, second))
    assert difference[measure.inside(first)].max() <= 1


def test_inside_and_outside_leave_the_edge_to_neither():
    points = face((200, 150), 40)
    outside = measure.outside([points], (300, 400))
    assert outside[0, 0] and not outside[150, 200] and not outside[tuple(points[8].astype(int)[::-1] + [12, 0])]
    assert 0.05 < measure.inside(points).mean() < 0.5
    assert measure.outside([], (30, 40)).all()
    both = measure.outside([points, face((60, 60), 20)], (300, 400))
    assert not both[60, 60] and both.sum() < outside.sum()
