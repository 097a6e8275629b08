"""What every script that converts a video's frames takes, checks and goes through."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from swapcore import ahead, config, convert, label, nets, restore, store, video
from swapcore.types import Changed, ClipInfo, DecisionTable, Face, FaceSet, FrameTable, Parsed, PeopleTable

OPTIONS = {
    "settings": "text: JSON of the section convert",
    "label_settings": "text: JSON of the section label",
    "video": "text: the video's name",
    "path": "file: the clip",
    "frames": "file: frames.parquet of the clip",
    "faces": "file: faces.parquet of the clip",
    "people": "file: people.parquet of the clip",
    "swaps": "text: JSON list of {name, source, target, and back_of where another swap's model is used the other way}",
    "trained": "files: trained.json of each swap, in this order",
    "weights": "files: weights.h5 of each swap",
    "decisions": "files: decisions.parquet of each swap's target",
    "restorer": "files: the restorer's ONNX file, where the settings name one",
    "masks": "files: masks.zip of the clip, where settings' mask wants what was parsed",
    "forehead": "files: forehead.json of the video, where settings' mask is auto",
}


class Converted(NamedTuple):
    """A frame before and after."""

    number: int
    before: video.Picture
    after: video.Picture  # with the note where it is due
    faces: list[convert.Overlay]  # from the lowest to the topmost


class Conversion(NamedTuple):
    """A video that can be converted: everything was read and fits."""

    args: Any
    settings: Any  # config's section convert
    labels: Any  # config's section label
    frames: FrameTable
    info: ClipInfo
    layout: video.Layout
    chosen: dict[int, list[Changed]]  # by frame number: which faces are changed by which swap
    landmarks_xy: Any  # (n, 68, 2), by row of the face table
    parsed: Callable[[int], Parsed | None]  # what was parsed of a row's face
    foreheads: Callable[[str, int], dict[str, float]]  # a swap's and a row's Face.raised and .smoothed
    trained: dict[str, dict[str, Any]]  # by the swap's name
    noted: set[int]  # numbers of the frames that carry the note

    def converted(
        self, wanted: set[int] | None = None, *, predict: dict[str, convert.Predict] | None = None
    ) -> Iterator[Converted]:
        """Every frame, or those whose numbers are wanted, converted. Frames are read ahead while others are worked on.

        predict: by the swap's name, what makes the faces; left out, the trained models do.
        """
        predict = self.models() if predict is None else predict
        look = {key: {name: t[key] for name, t in self.trained.items()} for key in ("resolution", "centring")}
        look["span"] = {name: t["span"] / t["coverage"] for name, t in self.trained.items()}
        names = ("mask", "erode", "soften", "colour", "relight", "blend")
        look |= {key: getattr(self.settings, key) for key in names}
        pictures = video.decode_pictures(self.args.path, self.frames, self.info, self.layout, wanted=wanted)
        look["restore"] = self.restorer()
        for number, before in ahead.ahead(pictures):
            faces = [self.face(changed) for changed in self.chosen.get(number, [])]
            seed = number if self.settings.finish else None
            after, laid = convert.convert_picture(before, faces, predict, finish_seed=seed, **look)
            if number in self.noted:
                after = label.note_picture(after, self.labels.note_text)
            yield Converted(number, before, after, laid)

    def face(self, changed: Changed) -> Face:
        """A row of the face table as conversion needs it."""
        row, swap = changed.row, changed.swap
        return Face(self.landmarks_xy[row], swap, self.parsed(row), **self.foreheads(swap, row))

    def models(self) -> dict[str, convert.Predict]:
        """The trained models, by the swap's name."""
        from swapcore import models  # may load TensorFlow: only when all else is known to fit

        made = {}
        for swap, weights in zip(json.loads(self.args.swaps), self.args.weights, strict=True):
            person = "target" if swap.get("back_of") else "source"
            look = {"runtime": self.settings.runtime, "person": person, "masked": self.settings.learns()}
            made[swap["name"]] = models.predictor(self.trained[swap["name"]], weights, **look)
        return made

    def restorer(self) -> convert.Restore | None:
        """What the user's network makes of a swapped face, where there is one."""
        if not self.args.restorer:
            return None
        of = self.settings
        look = {"size": of.restorer_size, "span": of.restorer_range, "order": of.restorer_order}
        model = store.read_bytes(self.args.restorer[0], what="an ONNX file", most=nets.BYTES_LIMIT)
        return restore.restorer(model, **look, strength=of.restorer_strength)

    def write(self, out: Path, pictures: Iterable[video.Picture]) -> None:
        """Encode the pictures, a frame each, with what says that they were made."""
        encoder = self.settings.encoder
        with store.atomic(out) as temporary:
            video.encode_pictures(
                temporary,
                ahead.ahead(pictures),
                layout=self.layout,
                rate=self.info.rate,
                codec=encoder.codec,
                crf=encoder.crf,
                preset=encoder.preset,
                metadata=label.marks() | label.note_record(**self.note()),
            )

    def note(self) -> dict[str, Any]:
        """Mode, text and seconds of the visible note, as swapcore.label takes them."""
        return {"mode": self.labels.note, "text": self.labels.note_text, "seconds": self.labels.note_seconds}


def marks(where: str) -> dict[str, str]:
    """label.marks() of what is made beside the video; `where` is explained what made it."""
    return label.marks() | {
        "comment": f"Synthetic: faces in these pictures were swapped with {label.TOOL}. See {where}."
    }


def parsed_of(files: Sequence[Path], faces: FaceSet, about: Mapping[str, Any]) -> Callable[[int], Parsed | None]:
    """A function of a face table's row: what was parsed of its crop; None where it was not, or there is no file.

    about: the table's own words, of which `size` is the crops' side.
    """
    if not files:
        return lambda row: None
    archive, size = store.MaskArchive(files[0]), about["size"]

    def parsed(row: int) -> Parsed | None:
        share = archive.mask(str(faces.id[row]))
        if share is None:
            return None
        smaller = len(share) / size
        matrix = faces.matrix[row] * np.float64(smaller)
        matrix[:, 2] += (smaller - 1) / 2  # the middle of the first pixel is 0, in both
        return Parsed(share, matrix)

    return parsed


def foreheads_of(files: Sequence[Path], faces: FaceSet) -> Callable[[str, int], dict[str, float]]:
    """A function of a swap and a face table's row: what forehead.json says of it, as fields of Face; nothing without a file."""
    said = store.read_json(files[0])["faces"] if files else {}

    def found(swap: str, row: int) -> dict[str, float]:
        raised, smoothed = said.get(swap, {}).get(str(faces.id[row]), (0.0, 0.0))
        return {"raised": raised, "smoothed": smoothed}

    return found


def opened(args: Any) -> Conversion:
    """Read what a script was given by OPTIONS, and check that it fits together. Raises SwapError where it does not."""
    settings, labels = config.parse("convert", args.settings), config.parse("label", args.label_settings)
    swaps = json.loads(args.swaps)
    frames, meta = store.read_table(args.frames, FrameTable)
    info = ClipInfo.from_json(meta["clip"])
    (faces, about), people = store.read_table(args.faces, FaceSet), store.read_table(args.people, PeopleTable)[0]
    names = [swap["name"] for swap in swaps]
    trained = dict(zip(names, (store.read_json(path) for path in args.trained), strict=True))
    decisions = dict(zip(names, (store.read_table(p, DecisionTable)[0] for p in args.decisions), strict=True))
    for swap, weights in zip(swaps, args.weights, strict=True):
        convert.check_trained(trained[swap["name"]], swap, weights_sha256=store.sha256(weights))
    chosen = convert.choose(faces, people, decisions, swaps, clip=info.name)
    noted = label.covers(frames.pts, time_base=info.time_base, mode=labels.note, seconds=labels.note_seconds)
    return Conversion(
        args=args,
        settings=settings,
        labels=labels,
        frames=frames,
        info=info,
        layout=video.layout(args.path, name=info.name),
        chosen=chosen,
        landmarks_xy=faces.landmarks_smooth_xy,
        parsed=parsed_of(args.masks, faces, about),
        foreheads=foreheads_of(args.forehead, faces),
        trained=trained,
        noted=set(frames.number[noted].tolist()),
    )
