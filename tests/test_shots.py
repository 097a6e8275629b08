from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swapcore import shots
from swapcore.types import Parsed

SEEN = {"tone": 3.0, "wrinkles": 0.6}
SIDE = 64


def plain(value, lines=0.0):
    tone = value + lines * np.sin(2 * np.pi * np.arange(SIDE) / SIDE / 0.06)[:, None] * np.ones((1, SIDE))
    return np.repeat(tone[..., None], 3, 2).astype(np.float32)


def parts():
    forehead, calm = np.zeros((SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE), np.float32)
    forehead[8:32, 8:56] = 1
    calm[28:, 8:56] = 1
    return forehead, calm


def test_a_look_says_tone_and_wrinkles():
    same = shots.look(plain(0.5), plain(0.5), *parts())
    assert same == (0, 0)
    darker = shots.look(plain(0.4), plain(0.5), *parts())
    assert darker.tone > 5 and darker.wrinkles == pytest.approx(0, abs=0.05)
    lined = shots.look(plain(0.5, 0.03), plain(0.5), *parts())
    assert lined.tone < 0.5 and lined.wrinkles > 2
    assert shots.look(plain(0.5), plain(0.5, 0.03), *parts()).wrinkles < -2, "the swap may have wrinkles of its own"


def test_no_look_where_no_forehead_is_left():
    forehead, calm = parts()
    assert shots.look(plain(0.4), plain(0.5), forehead * 0, calm) is None
    assert shots.look(plain(0.4), plain(0.5), forehead, np.ones_like(calm)) is None


@pytest.mark.parametrize(
    ("looks", "sure", "chosen", "words"),
    [
        ([], 1.0, "calm", "no forehead"),
        ([(1, 0.1)] * 3, 1.0, "calm", "does not show"),
        ([(5, 0.1)] * 3, 1.0, "hairline", "tone differs by 5.0"),
        ([(1, 1.0)] * 3, 1.0, "hairline", "wrinkles by 1.0 %"),
        ([(1, 1.0)] * 3, 0.5, "smooth", "sure in 50 %"),
        ([(5, 0.1)] * 3, 0.5, "calm", "not sure"),
        ([(9, 9), (1, 0), (1, 0)], 1.0, "calm", "does not show"),  # one frame is no shot
        ([(1, -2.0)] * 3, 1.0, "calm", "does not show"),  # the swap's own wrinkles stay in its own face
    ],
)
def test_what_a_shot_gets(looks, sure, chosen, words):
    made, why = shots.choose([shots.Look(*one) for one in looks], sure, **SEEN)
    assert made == chosen and words in why


def test_a_parser_wavers_where_it_says_half():
    up = np.zeros((SIDE, SIDE), np.float32)
    up[:32] = 1
    share = np.zeros((SIDE, SIDE), np.uint8)
    share[16:] = 255
    assert shots.wavering(Parsed(share, np.eye(2, 3)), up) == (0, 16 * SIDE)
    share[16:24] = 128
    unsure, area = shots.wavering(Parsed(share, np.eye(2, 3)), up)
    assert unsure == 0.5 and 8 * SIDE < area < 16 * SIDE
    assert shots.wavering(Parsed(share * 0, np.eye(2, 3)), up) == (0, 0)


def test_trusted_unless_it_wavers_or_jumps():
    frames, area = np.arange(6), np.array([100, 102, 99, 160, 101, 100.0])
    assert shots.sure(np.zeros(6), area, frames).tolist() == [True, True, False, False, False, True]
    assert shots.sure(np.array([0.1, 0.5]), np.ones(2), np.arange(2)).tolist() == [True, False]
    far = shots.sure(np.zeros(2), np.array([100.0, 300.0]), np.array([0, 50]))
    assert far.all(), "between frames that are apart nothing jumps"
    assert shots.sure(np.zeros(1), np.zeros(1), np.zeros(1)).all()


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(1, 3))
def test_a_mask_is_raised_slowly_and_never_where_it_is_not_trusted(trusted, every):
    trusted, frames = np.array(trusted), np.arange(len(trusted)) * every
    raised = shots.faded(trusted, frames)
    assert (raised[~trusted] == 0).all() and (raised >= 0).all() and (raised <= 1).all()
    assert (np.abs(np.diff(raised)) <= every / shots.FADE + 1e-6).all()
    if trusted.all():
        assert (raised == 1).all()


def test_a_fade_takes_eight_frames():
    raised = shots.faded(np.arange(30) != 10, np.arange(30))
    assert raised[10] == 0 and raised[14] == pytest.approx(0.5) and raised[18] == 1 and raised[2] == 1
