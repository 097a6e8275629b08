"""Whatever a file holds, its reader reads it or raises SwapError, one line, and takes little memory.

Inputs are mutations of valid files, files put together of damaged parts whose check sums are right, and random bytes. A few
hundred for each reader here; SWAPCORE_FUZZ=20000 tries so many of each, and others every time: see tests/fuzz.sh.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import fuzz_inputs
import fuzzing
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from swapcore import parsing, store
from swapcore.errors import SwapError
from swapcore.store import sizes

MANY = int(os.environ.get("SWAPCORE_FUZZ", 0))
FEW = 400
MEMORY = 256 << 20  # bytes above what was there before, with the few megabytes that valid files take
LONGEST = 1500  # letters of the line


class Reader(NamedTuple):
    """What reads a kind of file, and what files it is tried with."""

    read: Callable[[Path], Any]
    inputs: Callable[[], st.SearchStrategy[bytes]]
    few: int = FEW


READERS = {
    "face PNG": Reader(fuzzing.read_face, fuzz_inputs.faces),
    "face archive": Reader(fuzzing.read_archive, fuzz_inputs.archives),
    "mask archive": Reader(fuzzing.read_masks, fuzz_inputs.mask_archives),
    "table": Reader(fuzzing.read_tables, fuzz_inputs.tables),
    "edits": Reader(fuzzing.read_edits, fuzz_inputs.edits),
    "config": Reader(fuzzing.read_config, fuzz_inputs.configs),
    "clips.tsv": Reader(fuzzing.read_clips, fuzz_inputs.clips),
    "weights": Reader(fuzzing.read_weights, fuzz_inputs.weights),
    "checkpoint": Reader(fuzzing.read_checkpoint, fuzz_inputs.checkpoints),
    "picture": Reader(fuzzing.read_picture, fuzz_inputs.pictures),
    "JSON": Reader(store.read_json, fuzz_inputs.jsons),
    "parser's network": Reader(lambda path: parsing.parser("xseg", path.read_bytes()), fuzz_inputs.networks, 150),
}


@pytest.mark.parametrize("name", READERS)
def test_any_file_is_read_or_refused_in_one_line(name, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sizes, "PIXELS_LIMIT", 1 << 22)  # the limit itself stands for 0.8 GB, which are allowed
    reader, path, counts = READERS[name], tmp_path / "input", {"read": 0, "refused": 0}
    most = [0, b""]

    @settings(
        max_examples=MANY or reader.few,
        derandomize=not MANY,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(reader.inputs())
    def tried(data):
        path.write_bytes(data)
        with fuzzing.peak() as taken:
            try:
                reader.read(path)
                counts["read"] += 1
            except SwapError as error:
                said = str(error)
                counts["refused"] += 1
                assert said and "\n" not in said and len(said) < LONGEST
        most[:] = max(most, [taken[0], data])
        assert taken[0] < MEMORY

    with contextlib.suppress(SwapError):  # what is loaded at the first reading is not the file's
        path.write_bytes(fuzzing.VALID[name]()[0])
        reader.read(path)
    tried()
    assert counts["read"] and counts["refused"], "else the inputs say nothing"
    if MANY:
        with capsys.disabled():
            print(
                f"\n{name}: {sum(counts.values())} inputs, {counts['read']} read, {counts['refused']} refused", end=""
            )
            print(f", at most {most[0] >> 20} MiB", end="")
