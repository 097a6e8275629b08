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


@pytest.mark.parametrize("text", ["{", "[]", "[1, 2]", "7", '{"x": 1}', '{"PATH": [4]}', '{"PATH": "text"}'])
def test_a_damaged_memory_is_passed_over(asked, tmp_path, text):
    paths, find, seen = asked
    memory = tmp_path / "lengths.json"
    memory.write_text(text.replace("PATH", paths[0]))
    assert store.remembered(memory, paths, find) == {paths[0]: 2.0, paths[1]: 2.0} and seen == ["a", "b"]
    assert store.remembered(memory, paths, find) and seen == ["a", "b"]


def test_a_memory_that_cannot_be_written_only_costs_time(asked, tmp_path):
    paths, find, seen = asked
    for _ in range(2):
        assert store.remembered(tmp_path / "a/lengths.json", paths, find)  # in the place of a folder stands a file
    assert seen == ["a", "b"] * 2
