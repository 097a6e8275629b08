# What all rules share: the checked configuration, which files belong to what, and how a script is called.
import json
import os
import sys
from pathlib import Path

ROOT = Path(workflow.current_basedir).parents[1]
sys.path.insert(0, str(ROOT))

from swapcore import code, config as settings_of, edits
from swapcore.errors import SwapError

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
CLIP_FILES = ["frames.parquet", "faces.parquet", "faces.zip", "people.parquet"]
PERSON_FILES = [
    "references.parquet",
    "scores.parquet",
    "sheet.jpg",
    "lines.yaml",
    "decisions.parquet",
    "dropped.jpg",
    "dataset.parquet",
    "dataset.json",
    "coverage.png",
]
SWAP_FILES = ["trained.json", "weights.h5", "loss.png", "preview.jpg"]
VIDEO_FILES = ["video.mp4", "provenance.json", "measures.json", "strip.jpg"]


def pictures(path):
    """A picture, or the pictures of a folder by name: a folder itself says nothing when a file in it changes."""
    if not Path(path).is_dir():
        return [path]
    found = [os.path.join(path, name) for name in sorted(os.listdir(path)) if not name.startswith(".")]
    return [name for name in found if name.lower().endswith(PICTURES)]


def checked_project():
    """The configuration, checked before any job."""
    table = Path(config.get("clips") or "config/clips.tsv")
    if not table.is_file():
        raise SwapError(
            f"clips: expected the table of clips at {table}, found none; write it, or name it in config.yaml"
        )
    project = settings_of.load(config, table.read_text(encoding="utf-8"), is_folder=os.path.isdir)
    for clip in project.clips.values():
        if not pictures(clip.path):
            raise SwapError(f"clip {clip.name}: no pictures in {clip.path}; put some there, or correct its path")
        if not clip.path.startswith("results/studio/") and not Path(clip.path).exists():
            raise SwapError(
                f"clip {clip.name}: expected a video or a folder at {clip.path}, found none; correct clips.tsv"
            )
    for name, person in project.people.items():
        for path in person.references:
            if not Path(path).exists() or not pictures(path):
                raise SwapError(
                    f"person {name}: expected photos at {path}, found none; correct `references` in config.yaml"
                )
    return project


def edits_of(*people):
    """The edits that people wrote by hand, where they did."""
    return [path for person in people if Path(path := f"config/edits/{person}.yaml").is_file()]


try:
    PROJECT = checked_project()
    IDENTITY = {p: edits.read(Path(p).read_text(encoding="utf-8"), where=p).identity for p in edits_of(*PROJECT.people)}
except (SwapError, UnicodeDecodeError) as error:
    sys.exit(f"swapcore: {error}")

STUDIO_CLIPS = list(PROJECT.sections["studio"].clips)
PEOPLE = [name for name in PROJECT.people if any(name in clip.people for clip in PROJECT.clips.values())]


wildcard_constraints:
    clip=settings_of.NAME,
    person=settings_of.NAME,
    swap=settings_of.NAME,
    video=settings_of.NAME,


# Scripts find the library wherever they are started, also on a cluster's node; and what cannot change a result (where
# the state lies, how often it is saved) reaches them beside their params, whose change is a reason to run again.
HINTS = json.dumps({swap: PROJECT.hints("train", swap=swap) for swap in PROJECT.swaps})
shell.prefix(
    "set -euo pipefail; export PYTHONPATH={ROOT}${{PYTHONPATH:+:$PYTHONPATH}}"
    " SWAPCORE_STATE={PROJECT.state:q} SWAPCORE_HINTS={HINTS:q}; "
)


def script(name):
    """The command that starts a stage's script."""
    return f"python {ROOT}/scripts/{name}.py"


def clip_files(wildcards):
    """A clip's own files: the video, or the photos of its folder."""
    return pictures(PROJECT.clips[wildcards.clip].path)


def photos_of(person):
    """A person's reference photos."""
    return [file for path in PROJECT.people[person].references for file in pictures(path)]


def clips_of(*people):
    """Names of the clips that have any of these people in them."""
    return [clip.name for clip in PROJECT.clips.values() if set(people) & set(clip.people)]


def of_clips(names, file):
    """The same file of several clips."""
    return [f"results/clips/{name}/{file}" for name in names]


def identity_edits(clip):
    """What people decided by hand about whose faces are in this clip: file -> its entries, as text."""
    mine = {path: [str(entry) for entry in entries if entry.clip == clip] for path, entries in IDENTITY.items()}
    return {path: entries for path, entries in mine.items() if entries}
