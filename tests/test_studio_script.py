"""scripts/studio.py makes a clip that plays: H.264 at a constant rate, with AAC sound as long as the picture."""

from __future__ import annotations

import json
import subprocess
import sys


def film(root, out, **play):
    settings = {"size": 128, "rate": 25, "grain": 1.0}
    command = [sys.executable, "scripts/studio.py", "--settings", json.dumps(settings)]
    command += ["--clip-settings", json.dumps(play), "--out", str(out)]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, env=None)


def test_the_script_films_a_clip_with_sound(root, tmp_path):
    import av

    done = film(root, tmp_path / "ann.mp4", actor="ann", performance=77, seconds=0.8)
    assert done.returncode == 0, done.stderr
    assert "20 frames" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["ann.mp4"]
    with av.open(str(tmp_path / "ann.mp4")) as container:
        picture, sound = container.streams.video[0], container.streams.audio[0]
        assert (picture.codec_context.name, sound.codec_context.name) == ("h264", "aac")
        assert (picture.width, picture.height, picture.average_rate) == (128, 128, 25)
        assert abs(float(sound.duration * sound.time_base) - 0.8) < 0.05
        frames = list(container.decode(picture))
    assert len(frames) == 20


def test_an_unknown_actor_is_one_line(root, tmp_path):
    done = film(root, tmp_path / "x.mp4", actor="nobody", performance=1, seconds=0.2)
    assert done.returncode == 1
    assert done.stderr.startswith("studio: actor 'nobody'") and done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())
