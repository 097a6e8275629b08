"""The faces of the next call are drawn while the one before computes, and are the same as if they were not."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from swapcore.train.feed import Drawn, feed


def draw(first, steps, phase):
    """Of each step its number; at most 4 steps; bends in phase 1."""
    images = np.arange(first, first + min(steps, 4))[:, None] * np.ones((1, 6))
    return Drawn(images, images + 0.5 if phase == 1 else None)


@pytest.mark.parametrize("phase", [0, 1])
@pytest.mark.parametrize("begun", [None, (7, 3, 0), (7, 3, 1), (7, 1, 1), (6, 3, 1)])
def test_what_is_taken_is_what_was_asked_for(begun, phase):
    with feed(draw) as faces:
        if begun is not None:
            faces.begin(*begun)
        taken = faces.take(7, 2, phase)
        assert (taken.bends is not None) == (phase == 1)
        expected = draw(7, len(taken.images), phase)
        assert (taken.images == expected.images).all() and 1 <= len(taken.images) <= 2
        assert phase == 0 or (taken.bends == expected.bends).all()
        assert len(faces.take(9, 50, phase).images) == 4, "as many as fit"


def test_it_is_drawn_before_it_is_asked_for():
    drawn = threading.Event()

    def told(*asked):
        drawn.set()
        return draw(*asked)

    with feed(told) as faces:
        faces.begin(0, 2, 0)
        assert drawn.wait(30)


def test_an_error_surfaces_where_the_faces_would_come_and_the_thread_ends():
    def failing(*asked):
        raise OSError("the disk is gone")

    before = threading.active_count()
    with pytest.raises(OSError, match="the disk is gone"), feed(failing) as faces:
        faces.begin(0, 2, 0)
        faces.take(0, 2, 0)
    assert threading.active_count() == before
    with pytest.raises(KeyboardInterrupt), feed(draw) as faces:
        faces.begin(0, 2, 0)
        raise KeyboardInterrupt
    assert threading.active_count() == before
