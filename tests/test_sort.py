from __future__ import annotations

import numpy as np
import pytest
import yaml
from test_clean import scores
from test_store import made_up

from swapcore import edits, quality, sort
from swapcore.config.fields import Sort
from swapcore.types import FaceSet, FrameTable, PeopleTable


def test_every_order_of_the_settings_is_there():
    assert (
        set(sort.DESCENDING)
        == set(Sort.model_fields["by"].annotation.__args__)
        == {*quality.SCORES, "time", "distance"}
    )


@pytest.mark.parametrize("by", sort.DESCENDING)
def test_orders(by):
    values = np.array([3.0, 1, 2, 2])
    table = scores(4) if by == "time" else scores(4, **{by: values})
    rank = sort.order(table, by=by).order.tolist()
    assert rank == ([0, 1, 2, 3] if by == "time" else [0, 3, 1, 2] if sort.DESCENDING[by] else [3, 0, 1, 2])


def test_gathering_takes_one_persons_rows_and_marks_copies():
    faces, people = made_up(FaceSet, 5), made_up(PeopleTable, 5)
    faces = FaceSet(**{**faces.columns(), "frame": np.arange(5)})
    people = PeopleTable(**{**people.columns(), "id": faces.id})
    frames = FrameTable(**{**made_up(FrameTable, 5).columns(), "number": np.arange(5), "duplicate": [0, 0, 1, 0, 1]})
    table = sort.gather("a", np.array([1, 2]), frames=frames, faces=faces, people=people)
    assert table.frame.tolist() == [1, 2] and table.duplicate.tolist() == [False, True]
    assert set(table.clip) == {"a"} and np.array_equal(table.thumb, faces.thumb[1:3])
    for name in quality.SCORES:
        assert getattr(table, name).tolist() == getattr(faces, name)[1:3].tolist()
    with pytest.raises(ValueError, match="different faces"):
        sort.gather("a", np.array([0]), frames=frames, faces=faces, people=made_up(PeopleTable, 4))


def test_a_sheet_is_spread_over_the_order():
    table = sort.order(scores(100, sharpness=np.arange(100.0)), by="sharpness")
    shown = sort.spread(table, 5).sharpness.tolist()
    assert shown[0] == 99 and shown[-1] == 0 and len(shown) == 5
    assert len(sort.spread(table, 500)) == 100


def test_the_lines_are_ready_to_copy():
    text = sort.lines(scores(3), "ann")
    assert len(yaml.safe_load(text)) == 3
    assert len(edits.read("reject:\n" + text, where="x").reject) == 3
    odd = scores(1, id=['d\'a "x" \\ ü_0'])
    assert edits.read("keep:\n" + sort.lines(odd, "ann"), where="x").keep[0].face == odd.id[0]
