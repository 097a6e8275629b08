"""measures.html: what was measured of a video in plain words, and its worst frames, original beside swapped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import cv2
import numpy as np

from swapcore.pages import document, escape, picture
from swapcore.pages.words import GROUPS, WORDS, Words, in_words, shown
from swapcore.progress import counted

SIDE = 540  # of a worst frame's pictures, pixels
ROOM = 1.6  # of the picture's side, in widths or heights of the face, whichever is larger
BETTER = {"lower": "lower", "higher": "higher", "nearer the baseline": "near the target's"}


class Worst(NamedTuple):
    """One of the worst frames."""

    told: Mapping[str, Any]  # its row of measures.json
    original: np.ndarray  # (h, w, 3) uint8 BGR, around the face
    swapped: np.ndarray
    time: str  # see `timecode`


def build(
    told: Mapping[str, Any],
    worst: Sequence[Worst],
    *,
    video: str,
    clip: str,
    swaps: Sequence[Mapping[str, str]],
    frames: int,
    tool: str,
    marks: Mapping[str, str],
    foreheads: Mapping[str, Any] | None = None,
) -> str:
    """The page's text.

    told: measures.json. swaps: name, source and target of each. frames: of the video. tool and marks: label.TOOL, label.marks().
    foreheads: forehead.json, where there is one.
    """
    measures = {name: row for name, row in told.items() if isinstance(row, Mapping) and "value" in row}
    said = "; ".join(f"{s['source']}’s face on {s['target']}" for s in swaps)
    parts = [
        f"<h1>{escape(video)}: what was measured</h1>",
        f'<p class="dim">Clip {escape(clip)}, {counted(frames, "frame")}. {escape(said)}. Every swapped face on this page is '
        "synthetic.</p>",
    ]
    alarms = [row["alarm"] for row in measures.values() if row.get("alarm")]
    parts += [f'<div class="alarm"><b>Alarm.</b> {escape(alarm)}.</div>' for alarm in alarms]
    parts += [f'<p class="lead">{escape(line)}</p>' for line in in_words(measures, swaps)]
    parts.append(
        f'<p class="dim">{escape(told.get("note", ""))} No number here is the quality of a swap; the eye decides. The frames '
        "below are where to look first.</p>"
    )
    parts.append(_table(measures, swaps))
    if foreheads:
        parts.append(_foreheads(foreheads, clip))
    if worst:
        parts.append(f"<h2>The worst {counted(len(worst), 'frame')}, original beside swapped</h2>")
        parts += [_worst(place, one, measures, marks) for place, one in enumerate(worst, 1)]
    parts.append(
        f'<p class="synthetic">Synthetic: the faces named as swapped on this page were made with {escape(tool)}; their pictures '
        "say so in their metadata. The video’s provenance.json has the consent records, settings and digests.</p>"
    )
    return document(f"{video}: measures", "\n".join(parts))


CHOSEN = {
    "calm": "up to the lower forehead",
    "hairline": "up to the hair",
    "smooth": "up to the lower forehead, and the wrinkles above are taken out",
}


def _foreheads(told: Mapping[str, Any], clip: str) -> str:
    """What each shot does about the forehead, and which masks are worth painting."""
    rows = [
        f"<tr><td>{shot['frames'][0]} to {shot['frames'][1]}<small>{escape(shot['swap'])}</small></td>"
        f"<td>{escape(CHOSEN[shot['chosen']])}<small>{escape(shot['why'])}</small></td></tr>"
        for shot in told["shots"]
    ]
    found = [
        f"<h2>Where the swapped face ends</h2><table><tr><th>frames</th><th>the mask</th></tr>{''.join(rows)}</table>"
    ]
    if told["by_hand"]:
        folder = f"config/edits/masks/{escape(clip)}"
        names = "".join(
            f"<li>{folder}/{escape(one['face'])}.png <small>frame {one['frame']}: {escape(one['why'])}</small></li>"
            for one in told["by_hand"]
        )
        found.append(f"<p>Masks worth painting by hand, the most useful first:</p><ol>{names}</ol>")
    return "".join(found)


def _table(measures: Mapping[str, Any], swaps: Sequence[Mapping[str, str]]) -> str:
    real = any(row.get("source_real") is not None for row in measures.values())
    each = [swap["name"] for swap in swaps] if len(swaps) > 1 else []
    heads = ["swapped", *each, "target left as it is", *(["real frames of the source"] if real else [])]
    head = "".join(f'<th class="n">{escape(words)}</th>' for words in heads)
    rows = [f'<h2>What was measured</h2><table><tr><th>measure</th>{head}<th class="n">better is</th></tr>']
    unsaid = []
    for group, title in GROUPS.items():
        names = [name for name in measures if _words(name, measures).group == group]
        said = [name for name in names if measures[name]["value"] is not None]
        if group != "truth":  # which only a synthetic clip has
            unsaid += [_words(name, measures).label.lower() for name in names if name not in said]
        if said:
            rows.append(f'<tr class="head"><td colspan="{len(heads) + 2}">{escape(title)}</td></tr>')
        rows += [_row(name, measures, each, real) for name in said]
    rows.append("</table>")
    if unsaid:
        rows.append(f'<p class="dim">Could not be told of this video: {escape(", ".join(unsaid))}.</p>')
    return "".join(rows)


def _row(name: str, measures: Mapping[str, Any], each: Sequence[str], real: bool) -> str:
    row, words = measures[name], _words(name, measures)
    values = [
        f"<b>{escape(shown(row['value'], row['unit']))}</b>",
        *(escape(shown(row["swaps"].get(swap), row["unit"])) for swap in each),
        escape(shown(row.get("baseline"), row["unit"])),
        *([escape(shown(row.get("source_real"), row["unit"]))] if real else []),
    ]
    cells = "".join(f'<td class="n">{value}</td>' for value in values)
    better = BETTER.get(row["better"], row["better"])
    explained = f"{words.about} Unit: {row['unit']}." if words.about else f"{row.get('of', '')}. Unit: {row['unit']}."
    return f'<tr><td>{escape(words.label)}<small>{escape(explained)}</small></td>{cells}<td class="n">{escape(better)}</td></tr>'


def _words(name: str, measures: Mapping[str, Any]) -> Words:
    """A measure's words; of one that has none yet its name."""
    return WORDS.get(name) or Words("other", name.replace("_", " "), "")


def _worst(place: int, one: Worst, measures: Mapping[str, Any], marks: Mapping[str, str]) -> str:
    told, enlarged = one.told, SIDE / one.original.shape[0]
    why = told["why"][:1].upper() + told["why"][1:]
    name, unit = told["metric"], measures.get(told["metric"], {}).get("unit", "")
    number = f"{_words(name, measures).label}: {shown(told['value'], unit)}"
    if told.get("baseline") not in (None, 0, 1):
        number += f"; the target left as it is {shown(told['baseline'], unit)}"
    scale = f", enlarged {enlarged:.1f} times" if enlarged > 1.15 else ""
    pictures = [
        (one.original, f"original{scale}", None),
        (one.swapped, f"swapped, {told['swap']} (synthetic)", marks),
    ]
    figures = "".join(
        f"<figure>{picture(fitted(image), words, marks=with_, quality=88)}<figcaption>{escape(words)}</figcaption></figure>"
        for image, words, with_ in pictures
    )
    return (
        f'<section class="card"><div class="top"><span class="time">{escape(one.time)}</span><span class="dim">frame '
        f'{told["frame"]}</span><span class="why"><b>{place}. {escape(why)}</b></span></div>'
        f'<p class="dim">{escape(number)}</p><div class="pair">{figures}</div></section>'
    )


def around(landmarks_xy: np.ndarray, size_wh: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of a frame around a face of landmarks (68, 2): a square ROOM times the face, as far as there is frame."""
    low, high = landmarks_xy.min(0), landmarks_xy.max(0)
    side = int(np.clip(ROOM * (high - low).max(), 16, min(size_wh)))
    left, top = (
        int(np.clip(round(float(middle) - side / 2), 0, whole - side))
        for middle, whole in zip((low + high) / 2, size_wh, strict=True)
    )
    return slice(top, top + side), slice(left, left + side)


def fitted(image_bgr: np.ndarray) -> np.ndarray:
    """A square crop at SIDE pixels."""
    way = cv2.INTER_AREA if image_bgr.shape[0] > SIDE else cv2.INTER_CUBIC
    return cv2.resize(image_bgr, (SIDE, SIDE), interpolation=way)


def timecode(place: int, pts: np.ndarray, time_base: Fraction, rate: Fraction) -> str:
    """Where frame `place` of a video is, from its first: HH:MM:SS:FF at the nominal rate (non-drop), or with thousandths of a
    second, as HH:MM:SS.mmm, where the rate varies. pts (n,) int in units of `time_base`.
    """
    steps = np.diff(pts) * float(time_base) * float(rate)
    if len(steps) and np.abs(steps - 1).max() > 0.5:
        thousandths = round((int(pts[place]) - int(pts[0])) * time_base * 1000)
        seconds, rest = divmod(thousandths, 1000)
        last = f".{rest:03d}"
    else:
        seconds, rest = divmod(place, max(round(rate), 1))
        last = f":{rest:02d}"
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{last}"
