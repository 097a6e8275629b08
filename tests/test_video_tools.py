"""Which ffmpeg program is run."""

from __future__ import annotations

import pytest
from media import INDEX

from swapcore import video
from swapcore.errors import SwapError


def test_a_wrong_ffmpeg_is_named(monkeypatch, clips, tmp_path):
    monkeypatch.setenv("SWAPCORE_FFMPEG", str(tmp_path / "nowhere"))
    with pytest.raises(SwapError, match="SWAPCORE_FFMPEG"):
        video.index(clips / "constant.mp4", name="x", **INDEX)


def test_ffmpeg_comes_from_the_path_or_the_package(monkeypatch, tmp_path):
    monkeypatch.delenv("SWAPCORE_FFMPEG", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "imageio_ffmpeg" in video.ffmpeg()
    (tmp_path / "ffmpeg").write_text("#!/bin/sh\n")
    (tmp_path / "ffmpeg").chmod(0o755)
    assert video.ffmpeg() == str(tmp_path / "ffmpeg")
