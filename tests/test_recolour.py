"""Light and colour, steady through time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from analytic import face
from hypothesis import given
from hypothesis import strategies as st

from swapcore import recolour
from swapcore.colour import COLOURS
from swapcore.types import Face, Parsed

SIDE = 64
POINTS = face((SIDE / 2, SIDE * 0.55), SIDE / 4)
TONE = np.float32([0.35, 0.45, 0.6])


def picture(tone, seed=0):
    """A face of one tone with a shade from left to right, and a little noise."""
    shade = np.linspace(0.8, 1.2, SIDE, dtype=np.float32)[None, :, None]
    noise = np.random.default_rng(seed).normal(0, 0.003, (SIDE, SIDE, 3)).astype(np.float32)
    return np.clip(np.float32(tone) * shade + noise, 0, 1).astype(np.float32)


def seen(target, *, covered=0, relight=False, swapped=None):
    """The left part of the face is covered, and parsed so."""
    target = target.copy()
    share = np.full((SIDE, SIDE), 255, np.uint8)
    if covered:
        share[:, :covered] = 0
        target[:, :covered] = (0.1, 0.6, 0.1)
    one = Face(POINTS.astype(np.float32), "s", Parsed(share, np.eye(2, 3)))
    swapped = picture(0.8 * TONE[::-1]) if swapped is None else swapped
    return recolour.see(one, np.eye(2, 3), target, swapped, mask="auto", relight=relight)


@pytest.mark.parametrize("colour", [name for name in COLOURS if name != "none"])
@pytest.mark.parametrize("relight", [False, True])
def test_a_hand_that_passes_changes_the_colours_less(colour, relight):
    free = [(far, seen(picture(TONE, far), relight=relight)) for far in range(1, 9)] * 2
    hidden, shown = seen(picture(TONE), covered=36, relight=relight), seen(picture(TONE), relight=relight)
    steady, alone = (recolour.recoloured(hidden, around, colour=colour) for around in (free, ()))
    wanted = recolour.recoloured(shown, free, colour=colour)
    skin = shown.skin > 0.5
    assert np.abs(steady - wanted)[skin].mean() < 0.4 * np.abs(alone - wanted)[skin].mean()


@pytest.mark.parametrize("colour", COLOURS)
def test_neighbours_that_are_alike_change_nothing(colour):
    one = seen(picture(TONE))
    around = [(far, one) for far in (1, 2, 3)]
    alone, steady = (recolour.recoloured(one, some, colour=colour) for some in ((), around))
    assert steady.shape == (SIDE, SIDE, 3) and steady.dtype == np.float32
    assert np.abs(alone - steady).max() < 0.03


def test_light_that_changes_is_followed():
    """A lamp that is switched on: frames from before say nothing."""
    dark, bright = seen(picture(0.5 * TONE)), seen(picture(TONE))
    after = recolour.recoloured(bright, [(1, dark), (2, dark)], colour="reinhard")
    alone = recolour.recoloured(bright, colour="reinhard")
    np.testing.assert_array_equal(after, alone)


def test_what_a_neighbour_weighs():
    here = seen(picture(TONE)).thumbs
    weights = [recolour.agreement(here, here, far) for far in (0, 1, 4, 8)]
    assert weights[0] == 1 and weights == sorted(weights, reverse=True) and weights[-1] > 0.1
    assert recolour.agreement(here, here._replace(mask=0 * here.mask), 1) == 0


class Item(NamedTuple):
    number: int
    seen: list


@given(st.lists(st.integers(1, 6), max_size=40))
def test_every_frame_comes_once_with_its_neighbours(steps):
    numbers = np.cumsum(steps).tolist()
    read = []

    def frames():
        for n in numbers:
            read.append(n)
            yield Item(n, [("a", n)] + ([("b", -n)] if n % 2 else []))

    given_out = []
    for item, around in recolour.neighbours(frames()):
        given_out.append(item.number)
        near = [n for n in numbers if n != item.number and abs(n - item.number) <= recolour.REACH]
        assert sorted(around[0]) == sorted((abs(n - item.number), n) for n in near)
        if len(item.seen) > 1:
            assert sorted(around[1]) == sorted((abs(n - item.number), -n) for n in near if n % 2)
        ahead = [n for n in read if n > item.number]
        assert len([n for n in ahead if n > item.number + recolour.REACH]) <= 1
    assert given_out == numbers
