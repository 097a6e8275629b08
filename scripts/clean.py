"""Which of a person's faces train and which are swapped: decisions.parquet, and a picture of what was dropped."""

from __future__ import annotations

from common import arguments, run

from swapcore import clean, config, edits, progress, report, sort, store
from swapcore.types import ScoreTable

EXAMPLES = 12  # faces shown per reason


def main(args):
    """Apply the rules, then what was decided by hand."""
    settings = config.parse("clean", args.settings)
    scores, _ = store.read_table(args.scores, ScoreTable)
    read = [edits.read(path.read_text(encoding="utf-8"), where=str(path)) for path in args.edits]
    with store.open_archives(dict(zip(args.clips, args.archives, strict=True))) as archives:
        there = store.held(archives, scores.clip, scores.id)
        decisions = clean.decide(scores, settings, read[0] if read else edits.Edits(), there=there)
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
        rows = {}
        for reason, number in clean.dropped(decisions).items():
            shown = sort.spread(scores.select((decisions.reason == reason) & there), EXAMPLES)
            captions = [sort.caption(shown, row, "time") for row in range(len(shown))]
            crops = store.crops(archives, shown.clip, shown.id)
            rows[f"{reason}: {number}"] = list(zip(crops, captions, strict=True))
    trained = f"{args.person}: {decisions.use_train.sum()} of {len(scores)} faces train, {decisions.use_swap.sum()} are swapped"
    store.write_picture(args.sheet, report.groups(rows or {"nothing was dropped": []}, title=trained, columns=EXAMPLES))


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
            sheet="file: dropped.jpg",
        ),
    )
