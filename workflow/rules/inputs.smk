# Which files a job asks for, by its wildcards. What the names in capitals are, common.smk says.


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
