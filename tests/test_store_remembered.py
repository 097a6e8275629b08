"""What was found out about files is asked once."""

from __future__ import annotations

import json
import os

import pytest

from swapcore import store


@pytest.fixture
def asked(tmp_path):
    """A function of two files that counts, and what it was asked."""
    paths = [str(tmp_path / name) for name in ("a", "b")]
    for path in paths:
        with open(path, "w") as file:
            file.write("text")
    seen = []

    def find(path):
        seen.append(os.path.basename(path))
        return os.stat(path).st_size / 2

    return paths, find, seen


def test_a_file_is_asked_about_once_and_again_when_it_changed(asked, tmp_path):
    paths, find, seen = asked
    memory = tmp_path / "state/lengths.json"
    for _ in range(2):
        assert store.remembered(memory, paths, find) == {paths[0]: 2.0, paths[1]: 2.0}
    assert seen == ["a", "b"]
    with open(paths[0], "a") as file:
        file.write("more")
    assert store.remembered(memory, paths, find)[paths[0]] == 4.0 and seen == ["a", "b", "a"]
    os.utime(paths[1], ns=(0, 5))
    store.remembered(memory, paths, find)
    assert seen == ["a", "b", "a", "b"]
    assert store.remembered(memory, [*paths[:1], str(tmp_path / "none")], find) == {paths[0]: 4.0}
    assert list(json.loads(memory.read_text())) == paths[:1]


DAMAGED = ["{", "[]", "[1, 2]", "7", "\0", '{"x": 1}', '{"PATH": [4]}', '{"PATH": "text"}']
ANSWERS = ['"text"', "NaN", "1e999", "{}", "7, 7"]  # that nobody gave, beside a file's true state


@pytest.mark.parametrize("text", [*DAMAGED, *(f'{{"PATH": [4, TIME, {answer}]}}' for answer in ANSWERS)])
def test_a_damaged_memory_is_passed_over(asked, tmp_path, text):
    paths, find, seen = asked
    memory = tmp_path / "lengths.json"
    memory.write_text(text.replace("PATH", paths[0]).replace("TIME", str(os.stat(paths[0]).st_mtime_ns)))
    assert store.remembered(memory, paths, find) == {paths[0]: 2.0, paths[1]: 2.0} and seen == ["a", "b"]
    assert store.remembered(memory, paths, find) and seen == ["a", "b"]


def test_a_memory_that_cannot_be_written_only_costs_time(asked, tmp_path):
    paths, find, seen = asked
    for _ in range(2):
        assert store.remembered(tmp_path / "a/lengths.json", paths, find)  # in the place of a folder stands a file
    assert seen == ["a", "b"] * 2


def test_two_processes_at_once_spoil_nothing(asked, tmp_path, monkeypatch):
    """A write that begins while another goes on removes what that had written so far."""
    paths, find, _ = asked
    memory = tmp_path / "lengths.json"
    real, nested = store.files._put, []

    def put(*arguments, **options):
        monkeypatch.undo()
        nested.append(store.remembered(memory, paths[1:], find))
        real(*arguments, **options)

    monkeypatch.setattr(store.files, "_put", put)
    assert store.remembered(memory, paths, find) == {paths[0]: 2.0, paths[1]: 2.0} and nested == [{paths[1]: 2.0}]
    assert list(json.loads(memory.read_text())) == paths[1:], "the first write failed, and only costs time"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a", "b", "lengths.json"]
    assert store.remembered(memory, paths, find) == {paths[0]: 2.0, paths[1]: 2.0}
