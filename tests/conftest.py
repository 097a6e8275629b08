"""What several tests share. Footage is optional: tests that need it skip where it is not there."""

from __future__ import annotations

import copy
import fcntl
import json
import os
import shutil
import signal
from pathlib import Path

import hypothesis
import pytest

# what a script starts in the background ignores Ctrl-C, and so does all that it starts: tests send it, and it must arrive
signal.signal(signal.SIGINT, signal.default_int_handler)

# how long an example takes says more about what else the machine does
hypothesis.settings.register_profile("swapcore", deadline=None)
hypothesis.settings.load_profile("swapcore")
pytest.register_assert_rewrite("media")

ROOT = Path(__file__).resolve().parents[1]


# the longest files, longest first: so that two processes, a file each at a time, end together
LONG = (
    "test_faults",
    "test_slurm",
    "test_line",
    "test_plan",
    "test_footage",
    "test_plan_settings",
    "test_train_run",
    "test_plan_long",
    "test_long",
    "test_storage",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files come first, the others as they are named."""
    order = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: order.get(item.path.stem, len(LONG)))


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root."""
    return ROOT


@pytest.fixture(scope="session")
def footage() -> Path:
    """Folder of real clips, beside the checkout or named by $SWAPCORE_FOOTAGE."""
    folder = Path(os.environ.get("SWAPCORE_FOOTAGE", ROOT.parent / "shared" / "footage"))
    if not folder.is_dir():
        pytest.skip(f"no footage at {folder}")
    return folder


@pytest.fixture(scope="session")
def whole(tmp_path_factory) -> tuple[Path, dict[str, float]]:
    """faults.py's project made without a fault, and how much processor time each stage's job took."""
    import faults

    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base  # made once for all of pytest's processes
    folder, cpu = base.resolve() / "whole", base / "whole.json"
    with open(base / "whole.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not cpu.exists():
            shutil.rmtree(folder, ignore_errors=True)
            faults.project(folder)
            cpu.write_text(json.dumps(faults.undisturbed(folder)))
    return folder, json.loads(cpu.read_text())


@pytest.fixture(scope="session")
def clips(tmp_path_factory) -> Path:
    """Folder of all media.CLIPS."""
    from media import made_clips

    folder = tmp_path_factory.mktemp("clips")
    made_clips(folder)
    return folder


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A toy project, made once."""
    from toy import FRESH, Toy

    toy = Toy(tmp_path_factory.mktemp("toy"), ROOT)
    assert toy.plan() == FRESH
    toy.make()
    return toy


@pytest.fixture
def toy(made):
    """The finished project; whatever a test changes is put back."""
    before = {
        f: f.read_bytes()
        for d in ("config", "film", "photos", "workflow", "swapcore", "scripts")
        for f in (made.folder / d).rglob("*")
        if f.is_file()
    }
    times = {file: file.stat().st_mtime_ns for file in before}
    config, clips = copy.deepcopy(made.config), dict(made.clips)
    yield made
    for d in ("config", "film", "photos", "workflow", "swapcore", "scripts"):
        for file in (made.folder / d).rglob("*"):
            if file.is_file() and file not in before:
                file.unlink()
    for file, data in before.items():
        if not file.exists() or file.read_bytes() != data:
            file.write_bytes(data)
            os.utime(file, ns=(times[file], times[file]))  # or what is made of it looks outdated to the next test
    made.config, made.clips = config, clips
