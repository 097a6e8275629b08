"""Which of a person's faces train and which are swapped: decisions.parquet, and what was dropped in numbers and pictures."""

from __future__ import annotations

import numpy as np
from common import arguments, run

from swapcore import clean, config, edits, page, progress, report, sort, store
from swapcore.types import ScoreTable

EXAMPLES = 12  # faces shown per reason


def main(args):
    """Apply the rules, then what was decided by hand."""
    settings = config.parse("clean", args.settings)
    scores, meta = store.read_table(args.scores, ScoreTable)
    text = args.edits[0].read_text(encoding="utf-8") if args.edits else ""
    by_hand = edits.read(text, where=str(args.edits[0])) if args.edits else edits.Edits()
    with store.open_archives(dict(zip(args.clips, args.archives, strict=True))) as archives:
        there = store.held(archives, scores.clip, scores.id)
        decisions = clean.decide(scores, settings, by_hand, there=there)
        counts = clean.counts(decisions)
        said = ", ".join(f"{number} {reason}" for reason, number in counts.items())
        progress.say(f"clean {args.person}: {len(scores)} faces: {said}")
        if changed := sorted(set(decisions.clip[decisions.reason == clean.TAKEN_OUT].tolist())):
            paths = " ".join(str(archives[clip].path) for clip in changed)
            progress.say(
                f"clean {args.person}: faces taken out are back when their clip is extracted again; the same as lines for "
                f"config/edits, which hold: ./run python -m swapcore.store --taken-out {paths}"
            )
        store.write_table(args.out, decisions, {"person": args.person, "counts": counts})
        store.write_json(args.json, {"person": args.person, **clean.summary(decisions, settings)})
        store.write_picture(args.sheet, picture(args.person, scores, decisions, settings, archives, there))
        ruled = decisions  # what the page shows beside what was decided by hand
        if any(getattr(by_hand, name) for name in edits.LISTS):
            ruled = clean.decide(scores, settings, edits.Edits(), there=there)
        shown = np.flatnonzero(there)[page.chosen(scores.select(there), by_hand)]
        crops = (archives[clip].crop(name) for clip, name in zip(scores.clip[shown], scores.id[shown], strict=True))
        text = page.build(
            scores.select(shown),
            ruled.select(shown),
            page.sheets(crops, page.side(len(shown))),
            person=args.person,
            edits=by_hand,
            rest=edits.other_headings(text),
            why=[clean.value(scores, row, ruled.reason[row], settings) for row in shown],
            by=meta["by"],
            group=meta["group"],
            note=remark(len(scores), len(shown), (~there).sum()),
        )
        store.write_bytes(args.page, text.encode())


def remark(count, shown, gone):
    """What the page does not show, in words."""
    words = []
    if shown < count - gone:
        words.append(f"{shown} of {count} faces are shown, spread evenly; those decided by hand are all here.")
    if gone:
        words.append(f"{gone} more {'was' if gone == 1 else 'were'} taken out of the archives.")
    return " ".join(words)


def picture(person, scores, decisions, settings, archives, there):
    """What was dropped: a row of examples per reason, each with the number behind it."""
    rows = {}
    for reason, number in clean.dropped(decisions).items():
        mine = np.flatnonzero((decisions.reason == reason) & there)
        shown = mine[sort.spread_rows(scores.order[mine], EXAMPLES)]
        crops = store.crops(archives, scores.clip[shown], scores.id[shown])
        values = [clean.value(scores, row, reason, settings) for row in shown]
        captions = [
            "\n".join(filter(None, (value, scores.id[row], scores.clip[row])))
            for row, value in zip(shown, values, strict=True)
        ]
        setting = f" ({clean.LOOSEN[reason]})" if reason in clean.LOOSEN else ""
        rows[f"{number} {reason}{setting}"] = list(zip(crops, captions, strict=True))
    title = (
        f"{person}: {decisions.use_train.sum()} of {len(scores)} faces train, {decisions.use_swap.sum()} are swapped"
    )
    legend = "By reason, with the setting that decides. Under each face: its value and the limit, id, clip"
    rows = rows or {"nothing was dropped": []}
    return report.groups(rows, title=title, legend=legend, columns=EXAMPLES)


if __name__ == "__main__":
    run(
        main,
        arguments(
            __doc__,
            settings="text: JSON of the section clean",
            person="text: the person",
            scores="file: scores.parquet",
            edits="files: the person's edits, if there are any",
            clips="texts: the clips with this person, in the order of the archives",
            archives="files: their faces.zip",
            out="file: decisions.parquet",
            json="file: dropped.json, the same in numbers",
            sheet="file: dropped.jpg",
            page="file: faces.html, a page to look at all faces and to decide by clicking",
        ),
    )
