"""Files of a time to come: a clock jumped back, or a camera's is ahead."""

from __future__ import annotations

import os
import time

from media import refused

from swapcore import store


def test_a_file_of_the_users_with_a_date_to_come_is_named(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_text("x")
    how = {"where": "clip a", "expected": "a video", "remedy": "correct it"}
    store.check_given(path, **how)
    os.utime(path, (time.time() + 86400,) * 2)
    said = refused(store.check_given, path, **how)
    assert (
        said.startswith("clip a: expected a date that has been, ") and "clip.mp4 is of 2" in said and "touch it" in said
    )
    os.utime(tmp_path, (time.time() + 86400,) * 2)
    store.check_given(tmp_path, **how)  # of a folder only what is in it counts


def test_results_of_a_time_to_come_are_of_now(tmp_path):
    old, new = tmp_path / "old", tmp_path / "deep/new"
    new.parent.mkdir()
    for path, when in ((old, -1000), (new, 86400)):
        path.write_text("x")
        os.utime(path, (time.time() + when,) * 2)
    assert store.dated_now(tmp_path) == 1 and store.dated_now(tmp_path) == 0
    assert old.stat().st_mtime < time.time() - 900 and abs(new.stat().st_mtime - time.time()) < 60
    assert store.dated_now(tmp_path / "none") == 0
