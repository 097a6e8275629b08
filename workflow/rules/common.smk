# What all rules share: the checked configuration, which files belong to what, and how a script is called.
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

# what each script runs: a param of its rule, by which Snakemake knows that code has changed
CODE = code.digests(ROOT / "scripts", ".snakemake/code.json")
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


def clip_files(wildcards):
    """A clip's own files: the video, or the photos of its folder."""
    path = PROJECT.clips[wildcards.clip].path
    return [path] if is_rendered(path) else [mine(file) for file in pictures(path)]


def is_rendered(path):
    """Whether a clip is a synthetic one, which is a result."""
    return path.startswith("results/studio/")


def clip_path(wildcards, input):
    """A clip itself, a file or a folder, where the job finds it; Snakemake does not compare params that follow from the input."""
    path = PROJECT.clips[wildcards.clip].path
    return path if os.path.isdir(path) else str(input.files[0])


def photos_of(person):
    """A person's reference photos."""
    return [mine(file) for path in PROJECT.people[person].references for file in pictures(path)]


def clips_of(*people):
    """Names of the clips that have any of these people in them."""
    return [name for _, name in sorted({clip for person in people for clip in CLIPS_WITH.get(person, [])})]


def of_clips(names, file):
    """The same file of several clips."""
    return [f"results/clips/{name}/{file}" for name in names]


def painted_masks(wildcards):
    """Masks that people painted by hand for a clip's faces."""
    return [mine(path) for path in sorted(map(str, Path(f"config/edits/masks/{wildcards.clip}").glob("*.png")))]


def identity_edits(clip=None, person=None):
    """What people decided by hand about identity, in one clip or about one person: file -> its entries, as text."""
    found = {
        path: [str(t) for t in tracks if clip in (None, t.clip) and person in (None, t.person)]
        for path, tracks in IDENTITY.items()
    }
    return {path: entries for path, entries in found.items() if entries}


# of long.smk


def segments_of(video):
    """How many segments the clip of a video has."""
    return SEGMENTS.get(PROJECT.videos[video].clip, 1)


def segments_of_clip(suffix):
    """What was found in each segment of a long clip."""
    return lambda wildcards: [
        f"results/clips/{wildcards.clip}/parts/{part}.{suffix}" for part in range(SEGMENTS[wildcards.clip])
    ]


def composites(wildcards):
    """A video's frames: one file, or of a long clip one for each segment."""
    folder, count = f"results/videos/{wildcards.video}", segments_of(wildcards.video)
    files = [f"parts/{part}.mkv" for part in range(count)] if count > 1 else ["composite.mkv"]
    return [local(f"{folder}/{file}") for file in files]


# of people.smk


def known_from(wildcards):
    """Photos of a person; or else the faces of clips in which the person is alone; or else of tracks decided by hand."""
    person = wildcards.person
    if photos := photos_of(person):
        return {"photos": photos}
    return {"faces": of_clips(alone_in(person) or decided_in(person), "faces.parquet")}


def alone_in(person):
    """Names of the clips in which a person is alone."""
    return [clip.name for clip in PROJECT.clips.values() if clip.alone == person]


def decided_in(person):
    """Names of the clips in which tracks were decided by hand to be a person's."""
    named = {track.clip for tracks in IDENTITY.values() for track in tracks if track.person == person}
    return [clip for clip in PROJECT.clips if clip in named]


def deciding(person):
    """The lines about whose tracks a person is known from: file -> its entries; none where there is something better."""
    return {} if photos_of(person) or alone_in(person) else identity_edits(person=person)


# of swaps.smk


def person_files(role, file):
    """The same file of a swap's source or target."""
    return lambda wildcards: f"results/people/{getattr(PROJECT.swaps[wildcards.swap], role)}/{file}"


def clips_of_swap(wildcards):
    """Names of the clips that a swap learns from."""
    swap = PROJECT.swaps[wildcards.swap]
    return clips_of(swap.source, swap.target)


def masks_of_swap(wildcards):
    """What was parsed of the faces that a swap learns from, where its mask wants it."""
    wanted = PROJECT.swaps[wildcards.swap].train.parses()
    return of_clips(clips_of_swap(wildcards), "masks.zip") if wanted else []


def start_of_swap(wildcards):
    """What the swap that a swap begins with has learnt, or nothing."""
    other = PROJECT.swaps[wildcards.swap].train.start_from
    return [f"results/swaps/{other}/{file}" for file in ("trained.json", "weights.h5")] if other else []


def changed_by(wildcards):
    """Names of the clips in which a swap changes its target; without a video of it, all that have the target."""
    shown = [video.clip for video in PROJECT.videos.values() if wildcards.swap in video.swaps]
    return list(dict.fromkeys(shown)) or clips_of(PROJECT.swaps[wildcards.swap].target)


# of videos.smk


def video_clip(file):
    """A file of the clip that a video changes."""
    return lambda wildcards: f"results/clips/{PROJECT.videos[wildcards.video].clip}/{file}"


def restorer_of_video(wildcards):
    """The network that restores a video's swapped faces, where the user gives one."""
    return [mine(path) for path in restorer_of(PROJECT.videos[wildcards.video])]


def masks_of_video(wildcards):
    """What was parsed of the clip's faces, where the video's mask wants it."""
    video = PROJECT.videos[wildcards.video]
    return of_clips([video.clip], "masks.zip") if video.convert.parses() else []


def has_forehead(video):
    """Whether a video's masks are chosen shot by shot."""
    return PROJECT.videos[video].convert.mask == "auto"


def forehead_of_video(wildcards):
    """What each shot does about the forehead, where the video's masks are chosen so."""
    return [f"results/videos/{wildcards.video}/forehead.json"] if has_forehead(wildcards.video) else []


def seen_on_foreheads(wildcards):
    """What of a video's section convert changes what is seen of a forehead."""
    settings = json.loads(PROJECT.settings("convert", video=wildcards.video))
    return json.dumps({key: settings[key] for key in ("mask", "erode", "soften", "colour", "relight", "runtime")})


def video_path(wildcards):
    """The clip itself."""
    path = PROJECT.clips[PROJECT.videos[wildcards.video].clip].path
    return path if is_rendered(path) else mine(path)


def video_swaps(wildcards):
    """The swaps a video shows."""
    return [PROJECT.swaps[name] for name in PROJECT.videos[wildcards.video].swaps]


def of_swaps(file):
    """A file of each swap that a video shows."""
    return lambda wildcards: [f"results/swaps/{swap.learnt}/{file}" for swap in video_swaps(wildcards)]


def swaps_json(wildcards):
    """Name, source and target of the swaps a video shows, and whose model is used the other way round."""
    shown = [(s, {"name": s.name, "source": s.source, "target": s.target}) for s in video_swaps(wildcards)]
    return json.dumps([row | ({"back_of": s.back_of} if s.back_of else {}) for s, row in shown])


def true_swaps(wildcards):
    """What studio.true_swap takes for each swap of a video whose truth is known: swap -> its arguments.

    That is where an actor of the studio is alone in the clip and the source is known from one actor's clips alone.
    """
    studio = PROJECT.sections["studio"]
    played = {f"results/studio/{name}.mp4": part for name, part in studio.clips.items()}
    clip, known = PROJECT.clips[PROJECT.videos[wildcards.video].clip], {}
    if clip.path in played and clip.alone:
        look = {"size": studio.size, "rate": studio.rate, "grain": studio.grain}
        part = played[clip.path]
        for swap in video_swaps(wildcards):
            seen = [PROJECT.clips[name] for name in clips_of(swap.source)]
            actors = {played[c.path].actor if c.path in played and c.alone else None for c in seen}
            if len(actors) == 1 and None not in actors:
                play = {"performance": part.performance, "seconds": part.seconds, "scene": part.scene}
                known[swap.name] = {"source": actors.pop(), "target": part.actor, **play, **look}
    return json.dumps(known, sort_keys=True)


def people_of_video(wildcards):
    """Source and target of each swap, in order."""
    return [person for swap in video_swaps(wildcards) for person in (swap.source, swap.target)]


def also_files():
    """What the configuration asks for beside each video."""
    return [
        f"results/videos/{video.name}/{ALSO_FILES[name]}" for video in PROJECT.videos.values() for name in video.also
    ]


def decisions_of_targets(wildcards):
    """Which faces are swapped, by each swap's target, in order."""
    return [f"results/people/{swap.target}/decisions.parquet" for swap in video_swaps(wildcards)]


def datasets_of_sources(wildcards):
    """What each swap's source is trained from, in order."""
    return [f"results/people/{swap.source}/dataset.parquet" for swap in video_swaps(wildcards)]


def clips_of_sources(wildcards):
    """Names of the clips that a video's sources are seen in."""
    return clips_of(*(swap.source for swap in video_swaps(wildcards)))


def consents(wildcards):
    """The consent records of everybody a video uses, also those from whose faces its models began."""
    began = [other for swap in video_swaps(wildcards) for other in PROJECT.starts(swap.name)]
    people = {*people_of_video(wildcards), *(person for swap in began for person in (swap.source, swap.target))}
    people = sorted(people | set(PROJECT.clips[PROJECT.videos[wildcards.video].clip].people))
    return json.dumps({name: PROJECT.people[name].consent.model_dump(mode="json") for name in people})


def is_parsed(wildcards):
    """Whether anything of a video rests on what was parsed: its own masks, or those that its swaps learn by."""
    sections = [PROJECT.videos[wildcards.video].convert, *(swap.train for swap in video_swaps(wildcards))]
    return any(section.parses() for section in sections)


def settings_behind(wildcards):
    """All settings that a video's pixels depend on."""
    found = dict(COMMON_BEHIND)
    found["convert"] = json.loads(PROJECT.settings("convert", video=wildcards.video))
    found["label"] = json.loads(PROJECT.settings("label", video=wildcards.video))
    if is_parsed(wildcards):
        found["parse"] = json.loads(PROJECT.settings("parse"))
    if has_forehead(wildcards.video):
        found["forehead"] = json.loads(PROJECT.settings("forehead"))
    found["clean"] = {name: json.loads(PROJECT.settings("clean", person=name)) for name in people_of_video(wildcards)}
    found["train"] = {s.name: json.loads(PROJECT.settings("train", swap=s.name)) for s in video_swaps(wildcards)}
    return json.dumps(found, sort_keys=True)


def signer_files(wildcards):
    """The user's own certificate and key that a video is signed with, where there are any."""
    return [mine(path) for path in signer_of(PROJECT.videos[wildcards.video].label)]


def inputs_behind(wildcards):
    """What a video rests on: frame tables, which hold their clips' digests, reference photos, the detector's and the
    parser's and the restorer's file, and what was decided."""
    people = list(dict.fromkeys(people_of_video(wildcards)))
    photos = [file for person in people for file in photos_of(person)]
    decisions = [f"results/people/{person}/decisions.parquet" for person in people]
    parser = PARSER if is_parsed(wildcards) else []
    nets = DETECTOR + parser + restorer_of_video(wildcards)
    return of_clips(clips_of(*people), "frames.parquet") + photos + nets + decisions + edits_of(*people)
