"""What can be measured of a finished video beside its clip: measures.json."""

from __future__ import annotations

import json

import conversion
import numpy as np
from common import arguments, run

from swapcore import align, config, convert, detect, embedding, label, measure, nets, progress, store, video
from swapcore.types import ClipInfo, DatasetTable, DecisionTable, Face, FaceSet, FrameTable, KnownTable, PeopleTable

OWN_FRAMES = 32  # of a source that the second judge compares with


def main(args):
    """Decode the clip and the video side by side, look at some of the swapped faces, and save what they say."""
    settings, swaps = config.parse("measure", args.settings), json.loads(args.swaps)
    frames, meta = store.read_table(args.frames, FrameTable)
    info = ClipInfo.from_json(meta["clip"])
    (faces, about), people = store.read_table(args.faces, FaceSet), store.read_table(args.people, PeopleTable)[0]
    known = store.read_table(args.known, KnownTable)[0].of_people()
    references = {swap["name"]: known[swap["source"]] for swap in swaps}
    decided = [store.read_table(path, DecisionTable)[0] for path in args.decisions]
    decisions = {swap["name"]: table for swap, table in zip(swaps, decided, strict=True)}
    swapped = convert.choose(faces, people, decisions, swaps, clip=info.name)
    wanted = measure.spread(list(swapped), settings.frames)
    rows = np.isin(frames.number, [n for w in wanted for n in (w - 1, w)])  # each with the frame before it
    session = nets.identity_session(threads=1)  # the rule takes one core
    fit = detect.fitter(nets.model_path("landmarks"))
    names = [swap["name"] for swap in swaps]
    trained = dict(zip(names, (store.read_json(path) for path in args.trained), strict=True))
    looks = measure.looks(
        pairs(args, frames, info, rows),
        faces=faces,
        swapped=swapped,
        wanted=wanted,
        embed=lambda frame_bgr, landmarks_xy: embedding.embed(frame_bgr, landmarks_xy[None], session)[0],
        references=references,
        people={
            swap["name"]: judged(swap, known, own) for swap, own in zip(swaps, frames_of_sources(args), strict=True)
        },
        note=notes(args.video_file, frames, info),
        refit=lambda frame_bgr, landmarks_xy: detect.refit(detect.grey(frame_bgr), landmarks_xy, fit),
        laid=masks(
            config.parse("convert", args.convert_settings),
            trained,
            faces.landmarks_smooth_xy,
            conversion.parsed_of(args.masks, faces, about),
            conversion.foreheads_of(args.forehead, faces),
        ),
        truth=truths(json.loads(args.truth), wanted),
    )
    total = sum(len(swapped[w]) for w in wanted)
    found, reals = [], {}
    for look in progress.track(looks, total, "measure", unit="faces"):
        found.append(measure.evaluate(look))
        if look.swap not in reals:
            reals[look.swap] = measure.real(look)
    store.write_json(args.out, measure.summarise(found, reals=reals, references=references))


def pairs(args, frames, info, rows):
    """(number, original_bgr, result_bgr) of some rows of the frame table: frame k of the video is row k."""
    originals = video.decode(args.path, frames, info, wanted=set(frames.number[rows].tolist()))
    results = video.decode(args.video_file, video.made(frames), info, wanted=set(np.flatnonzero(rows).tolist()))
    for (number, original_bgr), (_, result_bgr) in zip(originals, results, strict=True):
        yield number, original_bgr, result_bgr


def judged(swap, known, own):
    """Who a swap's faces are compared with beside the source's references, as fields of measure.Look; own: the source's crops."""
    people = {"target_references": known[swap["target"]], "known": known, "distractors": measure.distractors()}
    return {**people, "references_second": measure.second(own)}


def frames_of_sources(args):
    """Some crops (n, CROP_SIDE, CROP_SIDE, 3) of each swap's source, spread over its dataset."""
    with store.open_archives(dict(zip(args.clips, args.archives, strict=True))) as archives:
        for path in args.datasets:
            table = store.read_table(path, DatasetTable)[0]
            rows = [(table.clip[k], table.id[k]) for k in measure.spread(range(len(table)), OWN_FRAMES)]
            found = [archives[clip].row(name).landmarks_in_crop() for clip, name in rows]
            own = store.crops(archives, *zip(*rows, strict=True))
            yield np.array([measure.crop(crop, marks) for crop, marks in zip(own, found, strict=True)])


def masks(settings, trained, landmarks_xy, parsed, foreheads):
    """A function of a swap, a row of the face table and (h, w): where its face was laid, as conversion works it out."""
    if settings.learns():
        progress.say("measure: no model is asked here, so the mask `extended` stands for `learned`")

    def laid(swap, row, frame_hw):
        side, span = trained[swap]["resolution"], trained[swap]["span"] / trained[swap]["coverage"]
        matrix = align.crop_matrix(landmarks_xy[row], size=side, span=span, centring=trained[swap]["centring"])
        face = Face(landmarks_xy[row], swap, parsed(row), **foreheads(swap, row))
        look = {key: getattr(settings, key) for key in ("mask", "erode", "soften")}
        return convert.face_alpha(face, matrix, side=side, span=span, frame_hw=frame_hw, **look)

    return laid


def truths(known, wanted):
    """A function of a swap and a number of the frames `wanted`, ascending: the true swap's picture where it is `known`.

    known: swap -> what studio.true_swap takes. A picture is drawn when it is asked for.
    """
    if not known:
        return lambda swap, number: None
    from swapcore import studio  # takes a second, and is seldom needed

    drawn = {swap: studio.true_swap(**part, numbers=wanted) for swap, part in known.items()}
    last = dict.fromkeys(drawn, (-1, None))

    def truth(swap, number):
        while swap in drawn and last[swap][0] < number:
            last[swap] = next(drawn[swap])[:2]
        return last[swap][1] if swap in drawn else None

    return truth


def notes(path, frames, info):
    """Frame number -> where the video's metadata says that its note is drawn, (h, w) bool."""
    record = json.loads(video.read_metadata(path).get(label.NOTE_KEY, '{"mode": "off"}'))
    if record["mode"] == "off":
        return {}
    seconds = float(record.get("seconds", 0))
    covered = label.covers(frames.pts, time_base=info.time_base, mode=record["mode"], seconds=seconds)
    white = np.full((info.height, info.width, 3), 255, np.uint8)
    area = (label.note(white, record["text"]) != white).any(-1)
    return dict.fromkeys(frames.number[covered].tolist(), area)


if __name__ == "__main__":
    run(
        main,
        arguments(
            __doc__,
            settings="text: JSON of the section measure",
            convert_settings="text: JSON of the section convert",
            video_file="file: video.mp4",
            path="file: the clip",
            frames="file: frames.parquet of the clip",
            faces="file: faces.parquet of the clip",
            people="file: people.parquet of the clip",
            swaps="text: JSON list of {name, source, target}",
            decisions="files: decisions.parquet of each swap's target, in order",
            trained="files: trained.json of each swap, in order",
            truth="text: JSON of swap -> what studio.true_swap takes, of those whose truth is known",
            known="file: known.parquet",
            datasets="files: dataset.parquet of each swap's source, in order",
            clips="texts: the clips of these sources, in the order of the archives",
            archives="files: their faces.zip",
            masks="files: masks.zip of the clip, where convert's mask wants what was parsed",
            forehead="files: forehead.json of the video, where convert's mask is auto",
            out="file: measures.json",
        ),
    )
