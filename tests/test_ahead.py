"""Reading ahead in a thread."""

from __future__ import annotations

import threading

import pytest

from swapcore import ahead
from swapcore.errors import SwapError


def test_reading_ahead_keeps_the_order_and_begins_at_once():
    begun = threading.Event()

    def frames():
        begun.set()
        yield from range(20)

    handed = ahead.ahead(frames())
    assert begun.wait(5)
    assert list(handed) == list(range(20))
    assert list(ahead.ahead(iter(()))) == []


def test_an_error_of_the_reader_comes_where_its_frame_would_have():
    def frames():
        yield from range(3)
        raise SwapError("clip x: cut off")

    handed = ahead.ahead(frames())
    assert [next(handed) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(SwapError, match="cut off"):
        next(handed)


def test_reading_ahead_stays_a_few_frames_ahead():
    read = []
    handed = ahead.ahead(read.append(k) or k for k in range(100))
    for _ in range(10):
        next(handed)
    handed.close()
    assert 10 <= len(read) <= 10 + ahead.AHEAD


def test_closing_closes_what_is_read():
    closed = threading.Event()

    def frames():
        try:
            yield from range(100)
        finally:
            closed.set()

    handed = ahead.ahead(frames())
    assert next(handed) == 0
    handed.close()
    assert closed.is_set()


def test_all_workers_are_given_all_items_in_order():
    assert ahead.shared(range(50), [list, sum]) == [list(range(50)), sum(range(50))]
    assert ahead.shared([], [list]) == [[]]


@pytest.mark.parametrize("late", [False, True])
def test_an_error_of_one_worker_ends_all(late):
    handed = []

    def fails(items):
        next(items)
        if late:
            list(items)
        raise SwapError("disk full")

    def items():
        for k in range(10_000):
            handed.append(k)
            yield k

    def wants_more(items):
        if len(list(items)) < 10_000:
            raise SwapError("too few")

    with pytest.raises(SwapError, match="disk full"):
        ahead.shared(items(), [wants_more, fails, list])
    assert late or len(handed) < 1000


def test_an_error_of_the_items_ends_all_workers():
    def items():
        yield 1
        raise SwapError("cut off")

    with pytest.raises(SwapError, match="cut off"):
        ahead.shared(items(), [list, list])
