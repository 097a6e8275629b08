# What all rules share: the checked configuration, which files belong to what, and how a script is called.
import contextlib
import functools
import json
import os
import sys
from fractions import Fraction
from pathlib import Path

ROOT = Path(workflow.current_basedir).parents[1]
sys.path.insert(0, str(ROOT))

from swapcore import code, config as settings_of, edits, memory, store
from swapcore.errors import SwapError

CLIP_FILES = ["frames.parquet", "faces.parquet", "faces.zip", "people.parquet", "groups.jpg", "groups.yaml"]
PERSON_FILES = [
    "references.parquet",
    "scores.parquet",
    "sheet.jpg",
    "lines.yaml",
    "decisions.parquet",
    "dropped.jpg",
    "dropped.json",
    "faces.html",
    "dataset.parquet",
    "dataset.json",
    "coverage.png",
]
SWAP_FILES = ["advice.json", "advice.html"]
MODEL_FILES = ["trained.json", "weights.h5", "loss.png", "quality.png", "preview.jpg"]  # of a swap's own model
# what a video's pixels depend on, beside convert, label and each swap's train
STAGES_BEHIND = ["frames", "faces", "references", "identify", "clean", "dataset"]
VIDEO_FILES = ["video.mp4", "provenance.json", "verified.json", "measures.json", "measures.html", "strip.jpg"]
# what a video's `also` asks for; each can be asked for by its path as well
ALSO_FILES = {"side_by_side": "side_by_side.mp4", "preview": "preview.jpg"}
ALSO_FILES |= {form: f"passes/{form}" for form in settings_of.FORMS}


def digests_of_code():
    """What each script runs: a param of its rule, by which Snakemake knows that code has changed. Kept until a file does."""
    memory, kept = ".snakemake/code.json", None
    if os.path.exists(memory):
        with contextlib.suppress(SwapError):
            kept = store.read_json(memory)
    found = code.digests(ROOT / "scripts", kept)
    if found != kept:
        # it only saves time: where it cannot be written, or another Snakemake writes it too, that is passed over
        with contextlib.suppress(SwapError, OSError):
            store.write_json(memory, found)
    return found["digests"]


CODE = digests_of_code()


def in_bucket(path):
    """Whether a clip or a photo lies in a bucket."""
    return path.startswith("s3://")


def mine(path):
    """A file of the user's as an input: from its bucket, or from this machine, also where results are in a bucket."""
    return storage.s3(path) if in_bucket(path) else local(path)


@functools.cache
def pictures(path):
    """A picture, or the pictures of a folder by name: a folder itself says nothing when a file in it changes."""
    return [str(file) for file in store.pictures(path)] if os.path.isdir(path) else [path]


def checked_project():
    """The configuration, checked before any job."""
    table = config.get("clips") or "config/clips.tsv"
    if not isinstance(table, str):
        raise SwapError(f"clips: expected the path of a table such as config/clips.tsv, got {table!r:.80}")
    given(table, "clips", "the table of clips", "write it, or name it in config.yaml")
    named = {track.person for found in EDITS.values() for track in found.identity}
    project = settings_of.load(config, store.read_text(table), is_folder=os.path.isdir, by_hand=named)
    rendered = [f"results/studio/{name}.mp4" for name in project.sections["studio"].clips]
    for clip in project.clips.values():
        if clip.path in rendered:
            continue
        if clip.path.startswith("results/studio/"):
            raise SwapError(
                f"clip {clip.name}: {clip.path} is no clip of the studio; correct clips.tsv, or studio.clips"
            )
        given(clip.path, f"clip {clip.name}", "a video or a folder", "correct clips.tsv", fetched=True)
        if not pictures(clip.path):
            raise SwapError(f"clip {clip.name}: no pictures in {clip.path}{beside(clip.path)}")
        if clip.rate:
            from swapcore.video import sequence

            sequence.images(Path(clip.path), name=clip.name)
    for name, person in project.people.items():
        for path in person.references:
            given(path, f"person {name}", "photos", "correct `references` in config.yaml", fetched=True)
            if not pictures(path):
                raise SwapError(
                    f"person {name}: expected photos at {path}, found none; correct `references` in config.yaml"
                )
    for path in detector_files(project):
        given(path, "faces.detector_file", "YuNet's ONNX file", "correct it in config.yaml")
    if path := project.sections["parse"].parser_file:
        given(path, "parse.parser_file", "the parser's ONNX file", "correct it in config.yaml")
    for path in sorted({path for video in project.videos.values() for path in restorer_of(video)}):
        given(path, "convert.restorer_file", "the restorer's ONNX file", "correct it in config.yaml")
    for label in {video.label.model_dump_json(): video.label for video in project.videos.values()}.values():
        for path, what in zip(signer_of(label), ("certificate", "key")):
            given(path, f"label.{what}", "a PEM file", "correct it in config.yaml")
        if label.certificate:
            from swapcore.label import certificates  # a fault in them is known before hours of work

            certificates.chosen(label, state=project.state)
    return project


def restorer_of(video):
    """The restorer's file where a video has one."""
    return [path for path in [video.convert.restorer_file] if path]


def signer_of(label):
    """Files of the certificate and its key that the section label of a video names; none for a self-made one."""
    return [path for path in (label.certificate, label.key) if path]


def beside(folder):
    """What a folder without pictures holds, and what to do."""
    if not os.path.isdir(folder):
        return "; correct its path"
    kinds = sorted({suffix for name in os.listdir(folder) if (suffix := Path(name).suffix)})
    found = f", which holds {', '.join(kinds[:3])}" if kinds else ""
    return f"{found}; put some there ({', '.join(store.PICTURES)}), or correct its path"


def given(path, where, expected, remedy, *, fetched=False):
    """Refuse a file or a folder of the user's, with all its pictures, that cannot be read or that rules cannot name.

    fetched: whether it may be a file in a bucket; Snakemake looks there before any job.
    """
    if in_bucket(path):
        if not fetched:
            raise SwapError(
                f"{where}: expected {expected} on this machine, got {path}; copy it here: only clips and photos are read from a bucket"
            )
        if not Path(path).suffix:
            raise SwapError(
                f"{where}: expected a file in the bucket, as s3://bucket/clip.mp4, got {path}; copy a folder of pictures here"
            )
    else:
        store.check_given(path, where=where, expected=expected, remedy=remedy)
    for file in pictures(path):
        if file != path:
            store.check_given(file, where=where, expected="a picture", remedy="put it back or remove it")
        if "{" in file or "}" in file:  # Snakemake would take them for wildcards
            raise SwapError(f"{file}: expected a name without {{ and }}; rename it")


def detector_files(project):
    """The detector's file where the user gives one."""
    return [path for path in [project.sections["faces"].detector_file] if path]


def decided_by_hand():
    """What people decided by hand: file -> its lists."""
    files = sorted(str(path) for path in Path("config/edits").glob("*.yaml"))
    return {path: edits.read(store.read_text(path), where=path, person=Path(path).stem) for path in files}


def check_edits(project):
    """Refuse a file or a line that nothing would read."""
    for path in map(Path, EDITS):
        if path.stem not in project.people:
            raise SwapError(f"{path}: nobody is called {path.stem} in config.yaml; rename or remove it")
        edits.check_faces(EDITS[str(path)], person=path.stem, clips=people_of_clips(project))
    edits.check_tracks(
        (track for tracks in IDENTITY.values() for track in tracks),
        people=project.people,
        refused=[name for name, person in project.people.items() if person.refuse],
        clips=people_of_clips(project),
    )


def parsed_clips():
    """Names of the clips whose faces some video, or some training, wants parsed."""
    shown = [video.clip for video in PROJECT.videos.values() if video.convert.parses()]
    learnt = [swap for name, swap in PROJECT.swaps.items() if swap.learnt == name and swap.train.parses()]
    people = {person for swap in learnt for person in (swap.source, swap.target)}
    return list(dict.fromkeys(shown + [clip.name for clip in PROJECT.clips.values() if people & set(clip.people)]))


def check_painted():
    """Refuse masks painted by hand that no video would show and no training would see."""
    for folder in sorted({file.parent for file in Path("config/edits/masks").glob("*/*.png")}):
        if folder.name not in PROJECT.clips:
            raise SwapError(f"{folder}: there is no clip {folder.name} in clips.tsv; rename or remove it")
        if folder.name not in parsed_clips():
            raise SwapError(
                f"{folder}: masks were painted, but no video of clip {folder.name} has a convert.mask with parser, where they would "
                "show, nor a swap that learns from it such a train.mask; set one, such as {min: [extended, parser]}, or remove them"
            )


def people_of_clips(project):
    """Who is in each clip: name -> people."""
    return {clip.name: clip.people for clip in project.clips.values()}


def edits_of(*people):
    """The edits that people wrote by hand, where they did."""
    return [mine(path) for person in people if Path(path := f"config/edits/{person}.yaml").is_file()]


try:
    store.check_writable("results")
    if dated := store.dated_now("results"):
        print(
            f"swapcore: results/: dated {dated} files of a time to come as of now; the clock jumped back",
            file=sys.stderr,
        )
    EDITS = decided_by_hand()
    IDENTITY = {path: found.identity for path, found in EDITS.items()}  # all that concerns a clip
    PROJECT = checked_project()
    check_edits(PROJECT)
    check_painted()
    if in_bucket(PROJECT.state):
        raise SwapError(
            f"state: expected a folder on this machine or a mount, got {PROJECT.state}; see docs/storage.md"
        )
    store.check_writable(PROJECT.state)
except SwapError as error:
    sys.exit(f"swapcore: {error}")

STUDIO_CLIPS = list(PROJECT.sections["studio"].clips)
COMMON_BEHIND = {stage: json.loads(PROJECT.settings(stage)) for stage in STAGES_BEHIND}
DETECTOR = [mine(path) for path in detector_files(PROJECT)]
PARSER = [mine(path) for path in [PROJECT.sections["parse"].parser_file] if path]
PEOPLE = [name for name in PROJECT.people if any(name in clip.people for clip in PROJECT.clips.values())]
TRAINED = [name for name, swap in PROJECT.swaps.items() if swap.learnt == name]  # the others use a model of these
REFUSED = [name for name, person in PROJECT.people.items() if person.refuse]
CLIPS_WITH = {}  # person -> (place, name) of clips: asked for by every job of a person, a swap and a video
for place, clip in enumerate(PROJECT.clips.values()):
    for person in clip.people:
        CLIPS_WITH.setdefault(person, []).append((place, clip.name))
# a face goes to nobody who resembles it less than somebody else does, wherever that one was seen
KNOWN = [name for name, person in PROJECT.people.items() if name in PEOPLE + REFUSED or person.references]

NOTHING = "(?!)"  # a wildcard that matches nothing


def seconds_of_clips():
    """How long each clip is, s: None where nobody knows before it is read, and of photos, which have no times."""
    studio = {f"results/studio/{name}.mp4": part.seconds for name, part in PROJECT.sections["studio"].clips.items()}
    files = [clip.path for clip in PROJECT.clips.values() if clip.path not in studio and os.path.isfile(clip.path)]
    said = store.remembered(Path(PROJECT.state) / "lengths.json", files, header_seconds)
    rates = {clip.name: Fraction(clip.rate) for clip in PROJECT.clips.values() if clip.rate}
    drawn = {name: len(pictures(PROJECT.clips[name].path)) / float(rate) for name, rate in rates.items()}
    known = studio | said
    return {clip.name: drawn.get(clip.name) or known.get(clip.path) for clip in PROJECT.clips.values()}


def header_seconds(path):
    """video.segments.header_seconds; its package takes a second to load, and is asked about new clips alone."""
    from swapcore.video import segments

    return segments.header_seconds(path)


def long_clips():
    """How many segments the clips have that are longer than frames.segment_minutes: name -> 2 or more."""
    minutes, seconds = PROJECT.sections["frames"].segment_minutes, seconds_of_clips()
    found = {name: clip.segments(seconds[name], minutes=minutes) for name, clip in PROJECT.clips.items()}
    return {name: count for name, count in found.items() if count > 1}


SEGMENTS = long_clips()


wildcard_constraints:
    part=r"\d+",
    clip=settings_of.NAME,
    person=settings_of.NAME,
    swap=settings_of.NAME,
    video=settings_of.NAME,
    form="|".join(settings_of.FORMS),


# Scripts find the library wherever they are started, also on a cluster's node; and what cannot change a result (where
# the state lies, how often it is saved) reaches them beside their params, whose change is a reason to run again.
# A job ends when the Snakemake that started it is killed, see scripts/common.py.
RUN = os.getpid()
HINTS = json.dumps({swap: PROJECT.hints("train", swap=swap) for swap in TRAINED})
MEMORY = " ".join(f"{name}={value}" for name, value in memory.ENVIRONMENT.items())
shell.prefix(
    "set -euo pipefail; export SWAPCORE_ROOT={ROOT:q}; export PYTHONPATH=$SWAPCORE_ROOT${{PYTHONPATH:+:$PYTHONPATH}}"
    " SWAPCORE_STATE={PROJECT.state:q} SWAPCORE_HINTS={HINTS:q} SWAPCORE_RUN={RUN} {MEMORY}; "
)


def script(name):
    """The command that starts a stage's script. It is a param, so it does not say where the project lies: that may change."""
    return f'python "$SWAPCORE_ROOT"/scripts/{name}.py'
