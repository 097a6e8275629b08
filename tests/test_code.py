from __future__ import annotations

import pytest

from swapcore import code


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small package in the place of ours, and a script over it."""
    files = {
        "masks.py": '"""Masks."""\nfrom swapcore import store\n\ndef f():\n    """Doc."""\n    return 1\n',
        "store.py": "X = 1\n",
        "config/__init__.py": "Y = 1\n",
        "nets/__init__.py": "",
        "video/__init__.py": "from swapcore.video.decode import decode\nfrom swapcore.video.encode import encode\n",
        "video/decode.py": "D = 1\n",
        "video/encode.py": "E = 1\n",
        "video/grain.py": "G = 1\n",
        "label/__init__.py": "from swapcore.label.note import note\nWIDTH = 3\n",
        "label/note.py": "N = 1\n",
        "label/verify.py": "V = 1\n",
        "looks/__init__.py": "from swapcore.looks.first import first\n",
        "looks/first.py": "L = 1\n",
        "looks/second.py": "M = 1\n",
        "nets/onnx.py": "Z = 1\n",
        "nets/__main__.py": "print(1)\n",
        "nets/look.css": "a {}\n",
        "colour.py": "C = 1\n",
        "flow.py": "F = 1\n",
        "scripts/script.py": "import beside, json\nfrom swapcore import config, label, looks, masks, video\n"
        "\ndef f():\n    from swapcore.nets import onnx\n    print(label.WIDTH, looks)\n    return video.decode()\n",
        "scripts/beside.py": "import common\nfrom swapcore import flow\n",
        "scripts/common.py": "O = 1\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(code, "PACKAGE", tmp_path)
    yield tmp_path
    forget()  # other tests ask for the real package


def forget():
    code._parse.cache_clear()
    code._defining.cache_clear()


def after(package, name, text):
    """Digests before and after a file got another text."""
    forget()
    before = code.digest(package / "scripts/script.py")
    (package / name).write_text(text)
    forget()
    return before, code.digest(package / "scripts/script.py")


@pytest.mark.parametrize(
    ("name", "text", "counts"),
    [
        ("masks.py", "from swapcore import store\n\ndef f():\n    return 2\n", True),
        ("masks.py", '# a comment\nfrom swapcore import store\n\ndef f():\n    """Other."""\n    return 1\n', False),
        ("store.py", "X = 2\n", True),  # not imported by the script itself
        ("nets/onnx.py", "Z = 2\n", True),  # imported late, in a function
        ("nets/look.css", "b {}\n", True),  # belongs to a package, as its modules do
        ("nets/__main__.py", "print(2)\n", False),  # a command for people
        ("video/decode.py", "D = 2\n", True),  # handed on by its package
        ("video/encode.py", "E = 2\n", False),  # of that package too, but not used
        ("video/grain.py", "G = 2\n", False),
        (
            "label/__init__.py",
            "from swapcore.label.note import note\nWIDTH = 4\n",
            True,
        ),  # defined by the package itself
        ("label/verify.py", "V = 2\n", False),
        ("looks/second.py", "M = 2\n", True),  # the package is handed about as a whole
        ("config/__init__.py", "Y = 2\n", False),  # settings are params
        ("colour.py", "C = 2\n", False),  # not imported at all
        ("scripts/script.py", "from swapcore import masks\n", True),
        ("scripts/beside.py", "import common\n", True),  # a module that several scripts share
        ("flow.py", "F = 2\n", True),  # imported by that one
        ("scripts/common.py", "O = 2\n", False),  # takes a script's options
    ],
)
def test_what_a_stage_runs_is_what_counts(package, name, text, counts):
    before, now = after(package, name, text)
    assert (before != now) is counts


def test_all_scripts_at_once_and_once_alone(package, monkeypatch):
    """What was said is believed as long as every file is what it was, and nothing else is."""
    asked = []
    monkeypatch.setattr(code, "digest", lambda script, was=code.digest: asked.append(script.stem) or was(script))

    def digests(kept=None):
        forget()
        asked.clear()
        return code.digests(package / "scripts", kept)

    said = digests()
    assert asked == ["beside", "common", "script"] == list(said["digests"])
    assert said["digests"]["script"] == code.digest(package / "scripts/script.py")
    assert digests(said) == said and not asked
    for name in ("colour.py", "nets/look.css", "scripts/common.py"):
        (package / name).write_text((package / name).read_text() + " ")
        said, before = digests(said), said
        assert asked and said["of"] != before["of"], f"{name} may count"
        assert digests(said) == said and not asked
    (package / "store.py").rename(package / "nets/store.py")
    said = digests(said)
    assert asked, "the same files elsewhere are another package"
    for damaged in (None, [], {}, {"of": said["of"]}, {**said, "digests": {"script": "1"}}, {**said, "digests": [1]}):
        assert digests(damaged) == said and asked
