"""Where decoding begins when a few frames of a long clip are wanted."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from swapcore.types import FrameTable
from swapcore.video import seek


def table(count, keys, first=0):
    number = np.arange(first, first + count)
    return FrameTable(
        number=number,
        pts=number * 512,
        key=np.isin(np.arange(count), keys),
        shot=np.zeros(count),
        duplicate=np.zeros(count),
        name=np.full(count, "", object),
    )


def test_a_stretch_begins_at_the_key_frame_before_what_is_wanted():
    found = seek.stretches(table(2000, range(0, 2000, 250)), np.array([3, 700, 705, 749, 755, 1999]))
    assert [(s.begin, s.rows.tolist()) for s in found] == [(None, [3]), (500, [700, 705, 749, 755]), (1750, [1999])]


def test_near_frames_and_clips_without_key_frames_are_read_from_the_beginning():
    assert [s.begin for s in seek.stretches(table(2000, [0]), np.array([3, 1999]))] == [None]
    assert [s.begin for s in seek.stretches(table(200, range(0, 200, 10)), np.arange(200))] == [None]
    assert seek.stretches(table(200, [0]), np.array([], int)) == []


def test_a_clip_cut_at_its_front_begins_at_its_first_key_frame():
    assert [s.begin for s in seek.stretches(table(50, [5, 30], first=1000), np.array([2, 9]))] == [None]
    assert [s.begin for s in seek.stretches(table(50, [5, 30], first=1000), np.array([9]))] == [5]


@given(st.integers(1, 900), st.sets(st.integers(0, 899)), st.sets(st.integers(0, 899)), st.integers(0, 500))
def test_stretches_hold_every_wanted_frame_once_after_a_key_frame(count, keys, wanted, first):
    rows = np.array(sorted(w for w in wanted if w < count), int)
    frames = table(count, sorted(keys), first)
    found = seek.stretches(frames, rows)
    assert np.array_equal(np.concatenate([s.rows for s in found] or [rows]), rows)
    for k, stretch in enumerate(found):
        if stretch.begin is None:
            assert k == 0
        else:
            assert frames.key[stretch.begin] and stretch.begin <= stretch.rows[0]
            assert not frames.key[stretch.begin + 1 : stretch.rows[0] + 1].any()
