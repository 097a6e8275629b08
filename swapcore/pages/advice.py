"""advice.html: what a swap's dataset lacks, what to film, which faces to drop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from swapcore.advice import AXES
from swapcore.advice.find import percent
from swapcore.pages import document, escape, picture

DOTS = 700  # of each kind on a map
MAPS = (  # axes across and up, what they are, and what they show at least
    ("yaw", "pitch", "Direction: to the image's left and right, down and up, degrees", (-50, 50), (-35, 35)),
    (
        "mouth",
        "eyes",
        "Expression: mouth, from closed to open; eyes, from closed to open, per cent",
        (0, 60),
        (30, 120),
    ),
    (
        "light",
        "yaw",
        "Light: the brighter side of the face, per cent; against its direction, degrees",
        (-25, 25),
        (-50, 50),
    ),
)
WIDTH, HEIGHT, LEFT, BOTTOM = 340, 230, 34, 22  # of a map, pixels

Pair = tuple[np.ndarray, np.ndarray | None, str]  # a face of the target, the most similar of the source, a caption


def build(
    told: Mapping[str, Any],
    *,
    source: np.ndarray,
    target: np.ndarray,
    kinds: np.ndarray,
    examples: Mapping[str, Sequence[Pair]],
    dropped: Mapping[str, Sequence[tuple[np.ndarray, str]]],
    lines: Mapping[str, str],
) -> str:
    """The page's text.

    told: advice.json. source (m, len(AXES)) and target (n, len(AXES)): the faces as points; kinds (n,) int: 0 where the source
    has a face alike, 1 where only a mirrored one, 2 where none. examples: by a finding's `what`, faces (h, w, 3) uint8 BGR.
    dropped: by person, faces named to be dropped, with why. lines: by person, what to copy into config/edits.
    """
    names = told["source"], told["target"]
    parts = [
        f"<h1>{escape(told['swap'])}: what the dataset lacks</h1>",
        _subtitle(told),
        f'<p class="lead">{escape(told["verdict"])}</p>',
    ]
    parts += [_bar(told), _maps(source, target, kinds, names)]
    parts.append("<h2>What to film, the most harmful gap first</h2>")
    if not told["findings"]:
        parts.append(
            f"<p>Nothing is missing that could be named: all that {escape(names[1])} does, {escape(names[0])} does too.</p>"
        )
    parts += [_finding(row, examples.get(row["what"], ()), names) for row in told["findings"]]
    parts.append("<h2>Faces to drop</h2>")
    if not any(lines.values()):
        parts.append("<p>None: no face that trains stands out as soft, misplaced, double or foreign.</p>")
    for person, text in lines.items():
        if text:
            parts.append(_drops(person, told["drop"][person], dropped.get(person, ()), text))
    parts.append(_explained(told))
    return document(f"{told['swap']}: advice", "\n".join(parts))


def _subtitle(told: Mapping[str, Any]) -> str:
    clips = ", ".join(told["clips"])
    return (
        f'<p class="dim">{told["frames"]} faces of {escape(told["target"])} that will be swapped in {escape(clips)}, against '
        f"{told['faces']} faces of {escape(told['source'])} that will train. Nothing was trained for this.</p>"
    )


def _bar(told: Mapping[str, Any]) -> str:
    shares = [
        ("own", told["covered"], f"{told['source']} has a face alike"),
        ("mirrored", told["mirrored"], "only seen in a mirror"),
        ("missing", told["missing"], "nothing like it"),
    ]
    pieces = "".join(f'<i class="{name}" style="width:{100 * share:.2f}%"></i>' for name, share, _ in shares)
    key = "".join(
        f'<span><i class="{name}"></i>{percent(share)} {escape(words)}</span>' for name, share, words in shares
    )
    key += f'<span><i class="source"></i>a face of {escape(told["source"])}</span>'
    return f'<div class="bar">{pieces}</div><div class="key">{key}</div>'


def _maps(source: np.ndarray, target: np.ndarray, kinds: np.ndarray, names: tuple[str, str]) -> str:
    axes = list(AXES)
    drawn = []
    for across, up, words, *least in MAPS:
        columns = [axes.index(across), axes.index(up)]
        dots = _map(source[:, columns], target[:, columns], kinds, least)
        drawn.append(f"<figure>{dots}<figcaption>{escape(words)}</figcaption></figure>")
    return f'<div class="maps">{"".join(drawn)}</div>'


def _map(source: np.ndarray, target: np.ndarray, kinds: np.ndarray, least: Sequence[tuple[float, float]]) -> str:
    """Faces (n, 2) as dots: the source's below, the target's above, those that lack a counterpart on top."""
    both = np.concatenate([source, target])
    low = np.minimum(np.percentile(both, 0.5, 0), [a for a, _ in least])
    high = np.maximum(np.percentile(both, 99.5, 0), [b for _, b in least])

    def place(points: np.ndarray) -> np.ndarray:
        share = np.clip((points - low) / (high - low), 0, 1)
        return np.stack([LEFT + share[:, 0] * (WIDTH - LEFT - 6), 6 + (1 - share[:, 1]) * (HEIGHT - BOTTOM - 6)], 1)

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">']
    for axis in (0, 1):
        for value in _ticks(low[axis], high[axis]):
            x, y = place(np.array([[value, low[1]] if axis == 0 else [low[0], value]]))[0]
            line, anchor, at = (
                (f"M{x:.1f} 6V{HEIGHT - BOTTOM}", "middle", (x, HEIGHT - 6))
                if axis == 0
                else (f"M{LEFT} {y:.1f}H{WIDTH - 6}", "end", (LEFT - 5, y + 4))
            )
            parts.append(f'<path d="{line}" stroke="#2a2c30"/>')
            parts.append(f'<text x="{at[0]:.1f}" y="{at[1]:.1f}" text-anchor="{anchor}">{value:g}</text>')
    layers = [(source, "#7fb2ff", 0.45, 2.6)]
    layers += [
        (target[kinds == kind], colour, 0.8, 1.9) for kind, colour in enumerate(("#5cc98a", "#e5b04a", "#f2636f"))
    ]
    for points, colour, opacity, radius in layers:
        shown = (
            points[np.unique(np.linspace(0, len(points) - 1, min(DOTS, len(points))).round().astype(int))]
            if len(points)
            else points
        )
        dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}"/>' for x, y in place(shown))
        parts.append(f'<g fill="{colour}" fill-opacity="{opacity}">{dots}</g>')
    return "".join(parts) + "</svg>"


def _ticks(low: float, high: float) -> list[float]:
    steps = [1, 2, 5, 10, 15, 30, 50, 100]
    step = next((s for s in steps if (high - low) / s <= 7), 200)
    return [float(v) for v in np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step]


def _finding(row: Mapping[str, Any], pairs: Sequence[Pair], names: tuple[str, str]) -> str:
    faces = []
    for face, near, words in pairs:
        below = (
            picture(near, f"the most similar face of {names[0]}")
            if near is not None
            else '<span class="none">none</span>'
        )
        faces.append(
            f"<figure>{picture(face, f'{names[1]}, {words}')}{below}<figcaption>{escape(words)}</figcaption></figure>"
        )
    shown = (
        f'<div class="many">{"".join(faces)}</div><p class="dim">Above {escape(names[1])}, below the most similar face that '
        f"{escape(names[0])} has.</p>"
        if faces
        else ""
    )
    return f'<section class="card"><h3>{escape(row["words"])}</h3><p>{escape(row["do"])}</p>{shown}</section>'


def _drops(person: str, rows: Sequence[Mapping[str, Any]], faces: Sequence[tuple[np.ndarray, str]], text: str) -> str:
    shown = "".join(
        f"<figure>{picture(face, why)}<figcaption>{escape(why)}</figcaption></figure>" for face, why in faces
    )
    name = escape(person)
    return (
        f'<section class="card"><h3>{name}: {len(rows)} of the faces that train</h3><p>Look at them first. To take them out of '
        f"training, copy these lines into <b>config/edits/{name}.yaml</b>; where its heading <b>swap_only:</b> is there already, "
        f'below that. They are still swapped.</p><pre>{escape(text)}</pre><div class="many">{shown}</div></section>'
    )


def _explained(told: Mapping[str, Any]) -> str:
    steps = ", ".join(f"{axis.step:g}{axis.unit} of {name}" for name, axis in AXES.items())
    return (
        "<h2>How this was found</h2><p>Each face is a point of five numbers, measured when it was cut out: how far the head is "
        "turned and raised, how far mouth and eyes are open, and which half of the face is brighter. A face of the target counts "
        f"as covered where a face of the source is within {told['radius']:g} of it; 1 is {escape(steps)}, and differences add up "
        "as squares. Leaning heads are turned upright before training, so they lack nothing. Training also sees every face in a "
        "mirror: that helps with the other profile, but a face and its light are not symmetric, so such a gap counts half. What "
        "a model makes of a gap this page cannot know; measures.html of the finished video shows it.</p>"
    )
