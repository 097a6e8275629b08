"""What a video says of itself: the visible note, the container's metadata, and provenance.json beside it.

The note is drawn by `convert` and recorded in the composite's metadata; `label` checks both before it writes the video.
Nothing here takes the time of day: the same inputs give the same file.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from swapcore import __version__, store
from swapcore.errors import SwapError
from swapcore.types import ClipInfo, FrameTable
from swapcore.video import CURVES, Picture, block_means

TOOL = f"Swapcore {__version__}"
NOTE_KEY = "swapcore_note"  # of the composite's metadata
# IPTC's term for pictures of which a part was made by a trained model
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"

LETTERS = 0.055  # size of the note's letters, share of the picture's shorter side (GB 45438-2025 asks for 0.05)
MARGIN = 0.025  # between the note and the picture's edges, the same share
AREA = 0.08  # of the picture that the note may take; letters shrink to it
WIDTH = 0.92  # of the picture's width, the same
SMALLEST = 8  # size of letters that a tiny picture gets though the note takes more, pixels
SHADE = 0.6  # of black in the note's box
WHITE = 240  # of the letters
PARTS = 4  # of the note's length, compared one by one
LIKENESS = 0.65  # correlation from which a part counts; compressed notes have over 0.8, others under 0.5
CONTRAST = 40  # of letters and box, grey levels, from which it does
LOOKS = 5  # frames that are checked


# the visible note


def covers(pts: np.ndarray, *, time_base: Fraction, mode: str, seconds: float) -> np.ndarray:
    """Which frames carry the note, (n,) bool: mode `always`, `off`, or `opening`, the first `seconds` of the video.

    `pts` (n,) int64 ascend, in units of `time_base`; time counts from the first. The first frame always carries an
    opening's note.
    """
    if mode == "off":
        return np.zeros(len(pts), bool)
    if mode == "always":
        return np.ones(len(pts), bool)
    limit = Fraction(repr(float(seconds))) / time_base
    return np.array([t - pts[0] < limit for t in pts.tolist()], bool)


def note(frame_bgr: np.ndarray, text: str) -> np.ndarray:
    """A copy of a frame (h, w, 3) uint8 BGR with `text` in a dark translucent box at the bottom left.

    Letters are 5.5 % of the picture's shorter side, and smaller where a long text would cover more than 8 % of the
    picture. Any script that OpenCV's built-in font has can be written.
    """
    height, width = frame_bgr.shape[:2]
    letters, (left, top) = _plate(text, width, height)
    out = frame_bgr.copy()
    box = out[top : top + letters.shape[0], left : left + letters.shape[1]]
    box[:] = np.rint(_inked(box, letters[..., None], SHADE, 0, WHITE))
    return out


def note_picture(picture: Picture, text: str) -> Picture:
    """A copy of a picture with what `note` draws, laid into its planes: all other samples are untouched.

    The letters are as bright as white is in the picture's own range and transfer: in HDR as a white sheet of paper.
    """
    layout, made = picture.layout, picture.copy()
    letters, (left, top) = _plate(text, layout.width, layout.height)
    curve = CURVES.get(layout.transfer)
    greys = np.array([[0, WHITE / 255 * (curve.white if curve else 1)]], np.float32)
    colours = layout.values(np.repeat(greys[..., None], 3, axis=2))[0]  # of the box and of the letters, (2, planes)
    for k, plane in enumerate(made.planes):
        x, y, ink = block_means(letters, left, top, layout, k)
        shade = block_means(np.full_like(letters, SHADE), left, top, layout, k)[2]
        part = plane[y : y + ink.shape[0], x : x + ink.shape[1]]
        part[:] = np.rint(_inked(part, ink, shade, *colours[:, k]))
    return made


def _inked(part: np.ndarray, ink: np.ndarray, shade: np.ndarray | float, dark: float, bright: float) -> np.ndarray:
    shaded = part + shade * (dark - part.astype(np.float32))
    return shaded + ink * (bright - shaded)


def shows_note(frame_bgr: np.ndarray, text: str) -> bool:
    """Whether a frame (h, w, 3) uint8 BGR, perhaps compressed, shows what `note` draws.

    The place where the note belongs is compared with the note's letters, each quarter of its length by normalised
    correlation, so that a note which only begins alike is none; and letters must be brighter than their box.
    """
    height, width = frame_bgr.shape[:2]
    letters, (left, top) = _plate(text, width, height)
    grey = cv2.cvtColor(frame_bgr, cv2.COLOR_BGR2GRAY)
    box = grey[top : top + letters.shape[0], left : left + letters.shape[1]].astype(np.float32)
    parts = zip(np.array_split(box, PARTS, axis=1), np.array_split(letters, PARTS, axis=1), strict=True)
    bright, dark = box[letters > 0.7], box[letters < 0.05]
    contrast = float(bright.mean() - dark.mean()) if bright.size and dark.size else 0.0
    return contrast >= CONTRAST and all(_likeness(a, b) >= LIKENESS for a, b in parts if np.ptp(b) > 0.5)


def _likeness(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / scale if scale else 0.0


@functools.lru_cache(maxsize=4)
def _plate(text: str, width: int, height: int) -> tuple[np.ndarray, tuple[int, int]]:
    """The letters' opacity (box height, box width) float32 0..1, and the box's place (left, top) in the picture."""
    font = cv2.FontFace("sans")
    short = min(width, height)
    margin = round(MARGIN * short)
    size = max(round(LETTERS * short), SMALLEST)
    while True:
        pad = max(1, round(size * 0.35))
        lines = _wrap(text, font, size, WIDTH * width - 2 * pad)
        step = round(size * 1.25)
        box_w = max(_length(line, font, size) for line in lines) + 2 * pad
        box_h = step * len(lines) + 2 * pad
        fits = box_w <= WIDTH * width and box_w * box_h <= AREA * width * height
        if fits or size <= SMALLEST:
            break
        size -= 1
    box_w, box_h = min(box_w, width), min(box_h, height)
    canvas = np.zeros((box_h, box_w), np.uint8)
    for k, line in enumerate(lines):
        base = pad + step * k + round(size * 0.95)
        cv2.putText(canvas, line, (pad, base), 255, font, size, 500)
    left = min(margin, width - box_w)
    top = max(0, height - margin - box_h)
    letters = canvas.astype(np.float32) / 255
    letters.setflags(write=False)
    return letters, (left, top)


def _length(line: str, font: Any, size: int) -> int:
    x, _, w, _ = cv2.getTextSize((0, 0), line, (0, 0), font, size, 500)
    return int(x + w)


def _wrap(text: str, font: Any, size: int, limit: float) -> list[str]:
    """Words in lines not longer than `limit` pixels; a longer word has a line of its own."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and _length(longer, font, size) <= limit:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


# metadata


def note_record(*, mode: str, text: str, seconds: float) -> dict[str, str]:
    """Which note was drawn, as metadata of the composite and of the video."""
    shown = {"mode": mode} if mode == "off" else {"mode": mode, "text": text}
    if mode == "opening":
        shown["seconds"] = f"{seconds:g}"
    return {NOTE_KEY: json.dumps(shown, ensure_ascii=False)}


def check_record(found: dict[str, str], *, mode: str, text: str, seconds: float, where: str) -> None:
    """Raise SwapError where a composite's metadata (keys in lower case) is not what `note_record` gives."""
    wanted = note_record(mode=mode, text=text, seconds=seconds)[NOTE_KEY]
    if found.get(NOTE_KEY) != wanted:
        raise SwapError(
            f"{where}: the settings ask for the note {wanted}, the composite says {found.get(NOTE_KEY, 'nothing of one')}; "
            "delete it and run snakemake again"
        )


def looked_at(covered: np.ndarray) -> set[int]:
    """Places of up to five frames, spread evenly over those that carry the note, for `check_picture`."""
    places = np.flatnonzero(covered)
    return {int(places[k]) for k in np.linspace(0, len(places) - 1, min(LOOKS, len(places))).round().astype(int)}


def check_picture(frames: Iterable[tuple[int, np.ndarray]], *, text: str, where: str) -> None:
    """Raise SwapError where one of the (number, frame_bgr) does not show the note."""
    for number, frame_bgr in frames:
        if not shows_note(frame_bgr, text):
            raise SwapError(
                f"{where}: the settings ask for a visible note, but frame {number} does not show it, so no video is written; "
                "delete the composite and run snakemake again"
            )


def aigc(*, producer: str, content_sha256: str) -> dict[str, str]:
    """The implicit label of GB 45438-2025, appendix E, as the value of the metadata's key `AIGC`.

    Label: "1", the content is generated (2 would be "may be", 3 "suspected"). ContentProducer, ContentPropagator: name
    or code of who made and who spreads it; here the same, for the maker hands it out. ProduceID, PropagateID: their
    number of the content; here from its digest. ReservedCode1 and 2 serve the producer's and the propagator's
    protection of integrity: the sha256 of the picture's packets, which anybody can compute anew
    (`video.content_digest`), and nothing.
    """
    who = producer.strip() or f"not stated, made with {TOOL}"
    number = f"swapcore-{content_sha256[:32]}"
    return {
        "Label": "1",
        "ContentProducer": who,
        "ProduceID": number,
        "ReservedCode1": f"sha256:{content_sha256}",
        "ContentPropagator": who,
        "PropagateID": number,
        "ReservedCode2": "",
    }


def marks() -> dict[str, str]:
    """What every file with swapped pixels says of itself, also the composite, which somebody may keep: that it is synthetic."""
    return {
        "comment": f"Synthetic: faces in this video were swapped with {TOOL}. See its provenance.json.",
        "software": TOOL,
        "digital_source_type": SOURCE_TYPE,
    }


def metadata(*, producer: str, content_sha256: str, record: dict[str, str]) -> dict[str, str]:
    """The video's metadata: that it is synthetic, by which tool, the AIGC label, and the note's record.

    It names nobody but `producer`: who was swapped, and by whose consent, stands in provenance.json.
    """
    return {
        "title": "Synthetic video",  # a video's own name often holds the names of people
        **marks(),
        "AIGC": json.dumps(aigc(producer=producer, content_sha256=content_sha256), ensure_ascii=False),
        **record,
    }


# the sidecar


def input_record(path: str | Path) -> dict[str, str]:
    """Path and sha256 of an input; a file outside the project goes by its name alone.

    Of a folder it is the digest of its pictures; of a frames.parquet the name and the digest of its clip stand too.
    """
    path = Path(path)
    found = {"file": path.name if path.is_absolute() else path.as_posix(), "sha256": store.sha256(path)}
    if path.name == "frames.parquet":
        _, meta = store.read_table(path, FrameTable)
        found |= {"clip": meta["clip"]["name"], "clip_sha256": meta["sha256"]}
    return found


def provenance(
    *,
    video: dict[str, str],
    clip: dict[str, Any],
    frames: FrameTable,
    info: ClipInfo,
    origin: int,
    swaps: list[dict[str, str]],
    trained: dict[str, dict[str, Any]],
    consents: dict[str, dict[str, str]],
    note: dict[str, Any],
    metadata: dict[str, str],
    settings: dict[str, Any],
    inputs: list[dict[str, str]],
) -> dict[str, Any]:
    """Everything that made a video, as JSON for provenance.json.

    video     name, file, sha256 of the file, content_sha256 of the picture's packets
    clip      name, file, sha256, start, end
    origin    the pts of the source that is time 0 of the video
    swaps     name, source, target of each; `trained`: by swap's name, what its trained.json says
    consents  by person; nobody who was swapped may be missing
    note      mode, text, seconds, reason of the settings
    inputs    file and sha256 of each

    Raises SwapError for a swap without training record or a person without consent.
    """
    made = []
    for swap in swaps:
        if swap["name"] not in trained:
            raise SwapError(
                f"video {video['name']}: no trained.json of swap {swap['name']} among the inputs; run snakemake again"
            )
        for person in (swap["source"], swap["target"]):
            if not consents.get(person):
                raise SwapError(
                    f"video {video['name']}: no consent record of {person}; add it to config.yaml under people"
                )
        facts = trained[swap["name"]]
        keys = (
            "model",
            "resolution",
            "steps",
            "seconds",
            "mask",
            "centring",
            "coverage",
            "settings",
            "datasets",
            "weights",
        )
        made.append({**swap, **{key: facts[key] for key in keys if key in facts}})
    covered = covers(frames.pts, time_base=info.time_base, mode=note["mode"], seconds=note["seconds"])
    shown = {"mode": note["mode"], "frames": int(covered.sum())}
    shown |= {"reason": note["reason"]} if note["mode"] == "off" else {"text": note["text"]}
    shown |= {"seconds": note["seconds"]} if note["mode"] == "opening" else {}
    return {
        "format": "swapcore provenance 1",
        "synthetic": True,
        "tool": {"name": "Swapcore", "version": __version__},
        "video": {
            **video,
            "width": info.width,
            "height": info.height,
            "frames": len(frames),
            "time_base": str(info.time_base),
            "origin_pts": origin,
            "metadata": metadata,
        },
        "clip": {**clip, "first_frame": int(frames.number[0]), "last_frame": int(frames.number[-1])},
        "swaps": made,
        "consents": consents,
        "note": shown,
        "settings": settings,
        "inputs": inputs,
    }
