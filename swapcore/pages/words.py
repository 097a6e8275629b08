"""Measures in plain words: what each is called, what it tells, and a verdict that claims no more than they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

GROUPS = {  # in the order of the table
    "likeness": "Likeness: is it the source’s face?",
    "play": "Play: is it the target’s performance?",
    "picture": "Picture: does it sit in the frame?",
    "time": "Time: is it calm?",
    "truth": "Against the true swap, which a synthetic clip has",
    "other": "Besides",
}


class Words(NamedTuple):
    """One measure."""

    group: str
    label: str
    about: str


WORDS: dict[str, Words] = {
    "identity_distance": Words(
        "likeness",
        "Distance to the source",
        "How far dlib’s network finds the face from photos of the source; it takes faces below about 0.6 for one person.",
    ),
    "identity_margin": Words(
        "likeness",
        "Nearer to the source than to the target by",
        "Below 0 the face is still more the target’s.",
    ),
    "identity_rank": Words(
        "likeness",
        "Place of the source among everybody",
        "All known people and strangers, ordered by likeness to the face; 1 is the first.",
    ),
    "second_distance": Words(
        "likeness",
        "Distance to the source, second judge",
        "By a small network of our own, which no swap is trained on: 0 is the same face, 1 a stranger’s.",
    ),
    "pose_error": Words(
        "play",
        "Head turned otherwise",
        "By how much the head looks elsewhere than in the original, but for what is constant.",
    ),
    "landmark_error": Words(
        "play",
        "Features out of place",
        "Brows, nose, eyes and mouth against the original’s, but for the source’s own shape.",
    ),
    "eye_error": Words(
        "play",
        "Eyes opened otherwise",
        "How much more open or closed they are, but for what is constant.",
    ),
    "mouth_error": Words(
        "play",
        "Mouth opened otherwise",
        "How much more open or closed it is, but for what is constant.",
    ),
    "mouth_followed": Words(
        "play",
        "Mouth follows the original",
        "Whether it opens and closes with the original’s: 1 does, 0 holds still or does as it likes.",
    ),
    "shape_followed": Words(
        "play",
        "Features follow the original",
        "Brows, eyes, nose and mouth, in the same way, whatever the head does.",
    ),
    "pose_followed": Words("play", "Head follows the original", "Its turns, in the same way."),
    "outside_psnr": Words(
        "picture",
        "Rest of the picture kept",
        "The frame away from faces against the source; what is lost there is the encoder’s.",
    ),
    "sharpness_ratio": Words(
        "picture",
        "Fine detail in the face",
        "Share of the original’s; below 1 the face is softer than the frame around it.",
    ),
    "seam": Words(
        "picture",
        "Visible edge",
        "How much more the colour steps at the face’s edge than in the original; below about 1 nobody sees it.",
    ),
    "flicker_ratio": Words(
        "time",
        "Change from frame to frame",
        "Against the original’s: above 1 it flickers, far below 1 its play is flattened.",
    ),
    "warp_error_ratio": Words(
        "time",
        "Restlessness",
        "Change that no movement explains, against the original’s: above 1 it shimmers or boils.",
    ),
    "mask_iou": Words(
        "time",
        "Steadiness of the mask",
        "Overlap of the mask with the one before, moved along; 1 is steady.",
    ),
    "edge_jump": Words(
        "time",
        "Jumps of the mask at the hairline",
        "How far the upper edge jumps in its worst frames.",
    ),
    "identity_jitter": Words(
        "time",
        "Change of identity from frame to frame",
        "To dlib’s network, against the original’s; 1 is as steady.",
    ),
    "truth_psnr": Words("truth", "Likeness to the true swap", "Layout and shade, pixel by pixel."),
    "truth_ssim": Words("truth", "Likeness of structure", "1 is the same picture."),
    "truth_colour": Words("truth", "Colour off by", "Tone and shade; below about 2 it is hardly seen."),
    "truth_shape": Words("truth", "Shape off by", "The features’ places."),
    "truth_detail": Words("truth", "Detail missed or too much", "1 is a smooth face, 0 the true one."),
}
"""Metric -> its words. A metric without any is shown by its name."""


def shown(value: float | None, unit: str) -> str:
    """A number as people read it, with a short unit where it has one."""
    if value is None:
        return "–"
    short = {"dB": " dB", "degrees": "°"}.get(unit) or (" %" if unit.startswith("per cent") else "")
    if unit == "place":
        return f"{round(value, 1):g}"
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 or short else 2 if size >= 0.1 or not size else 3
    return f"{value:.{digits}f}{short}"


def in_words(measures: Mapping[str, Any], swaps: Sequence[Mapping[str, str]]) -> list[str]:
    """What the numbers say, a sentence each, nothing that they do not."""
    lines = []
    identity = measures.get("identity_distance")
    if identity and identity["value"] is not None and identity.get("baseline") is not None:
        lines.append(_identity(identity, swaps))
    second = measures.get("second_distance")
    if second and None not in (second["value"], second.get("source_real")) and second["value"] < second["source_real"]:
        lines.append(
            f"The second judge puts it nearer to the source ({second['value']:.2f}) than the source’s own frames "
            f"({second['source_real']:.2f}): it sees little of what is wrong here, so trust the eye."
        )
    sharp = _value(measures, "sharpness_ratio")
    if sharp is not None and sharp < 0.8:
        lines.append(
            f"It has {100 * sharp:.0f} % of the original’s fine detail, so it looks softer than the frame around it."
        )
    for name in ("warp_error_ratio", "flicker_ratio"):
        restless = _value(measures, name)
        if restless is None:
            continue
        if restless > 1.15:
            lines.append(
                f"From frame to frame it is {restless:.1f} times as restless as the original: look for flicker."
            )
        elif restless < 0.75:
            lines.append(
                f"It changes {100 * restless:.0f} % as much as the original from frame to frame: calm, with play lost."
            )
        break
    seam = _value(measures, "seam")
    if seam is not None and seam > 2:
        lines.append("Its edge shows: look along the jaw and the forehead.")
    return lines


def _identity(row: Mapping[str, Any], swaps: Sequence[Mapping[str, str]]) -> str:
    now, before, real = row["value"], row["baseline"], row.get("source_real")
    who = f"from {swaps[0]['target']} to {swaps[0]['source']}" if len(swaps) == 1 else "from the target to the source"
    had = f"where the target’s own face has {before:.2f}"
    if now >= before:
        return f"To dlib’s network the swapped face is no nearer to the source: distance {now:.2f}, {had}."
    if real is None or before <= real:
        return f"To dlib’s network the face has moved {who}: distance {now:.2f} to the source, {had}."
    share = (before - now) / (before - real)
    if share > 1:
        return (
            f"To dlib’s network the face is nearer to the source ({now:.2f}) than the source’s own frames are ({real:.2f}): too "
            "good to be true, so trust the eye."
        )
    way = "most" if share > 0.8 else "more than half" if share > 0.5 else "less than half"
    return (
        f"To dlib’s network the face has gone {way} of the way {who}: distance {now:.2f} to the source, {had} and real frames "
        f"of the source have {real:.2f}."
    )


def _value(measures: Mapping[str, Any], name: str) -> float | None:
    row = measures.get(name)
    return None if row is None else row["value"]
