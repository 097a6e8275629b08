"""What of each face of a clip is face, not hair, glasses or a hand before it: masks.zip."""

from __future__ import annotations

import itertools
import os

import cv2
import numpy as np
from common import arguments, run

from swapcore import align, config, nets, parsing, progress, store
from swapcore.errors import SwapError
from swapcore.types import FaceSet

LARGEST = 1024  # pixels a side of a painted mask: more than any crop has
AT_ONCE = 8  # crops in memory
BLOCK = 400  # faces of a track whose masks are in memory at a time, beside those that they are steadied by


def main(args):
    """Parse the crops of the archive, steady the answers along each track, and write them."""
    settings = config.parse("parse", args.settings)
    threads = int(os.environ.get("OMP_NUM_THREADS") or 1)  # Snakemake sets it to the rule's threads
    cv2.setNumThreads(threads)
    faces, _ = store.read_table(args.faces, FaceSet)
    model = b"".join(store.read_bytes(file, what="an ONNX file", most=nets.BYTES_LIMIT) for file in args.parser_file)
    parse = parsing.parser(settings.parser, model, threads=threads)
    by_hand = painted(args.painted, args.clip, set(faces.id.tolist()))
    with store.FaceArchive(args.archives, clip=args.clip) as archive:
        rows = np.flatnonzero(np.isin(faces.id, archive.ids()))
        masks = progress.track(
            parsed(archive, faces, rows, parse, memory=settings.memory), len(rows), f"parse {args.clip}", unit="faces"
        )
        seen = ((name, by_hand.pop(name, mask)) for name, mask in masks)
        store.write_masks(args.out, itertools.chain(seen, by_hand.items()))  # those taken out of the archive last
    if args.painted:
        progress.say(f"parse {args.clip}: {progress.counted(len(args.painted), 'mask')} painted by hand")
    if taken := len(faces) - len(rows):
        said = progress.counted(taken, "face")
        progress.say(f"parse {args.clip}: {said} not in {args.archives}, taken out by hand: masks by landmarks there")


def parsed(archive, faces, rows, parse, *, memory):
    """(id, mask uint8) of some rows of the face table, block by block of what is one track in neighbouring frames."""
    order = rows[np.lexsort((faces.frame[rows], faces.track[rows]))]
    apart = (np.diff(faces.track[order]) != 0) | (np.diff(faces.frame[order]) > 2)
    for one in np.split(order, np.flatnonzero(apart) + 1):
        for begin in range(0, len(one), BLOCK):
            first = max(begin - parsing.CONTEXT, 0)
            some = one[first : begin + BLOCK + parsing.CONTEXT]
            share, small = [], []
            for few in np.split(some, range(AT_ONCE, len(some), AT_ONCE)):  # large crops are soon let go
                crops = np.array([archive.crop(name) for name in faces.id[few]])
                points = np.array([align.transform(faces.landmarks_smooth_xy[row], faces.matrix[row]) for row in few])
                share.append(parse(crops, points))
                small += [grey(crop) for crop in crops]
            steady = parsing.steady(np.concatenate(share), np.array(small), memory=memory)
            for row, mask in list(zip(some, steady, strict=True))[begin - first : begin - first + BLOCK]:
                yield faces.id[row], np.rint(255 * mask).astype(np.uint8)


def painted(files, clip, ids):
    """Masks that somebody painted, by the face's id: white is face. Raises SwapError where one is no mask of a face here."""
    found = {}
    for file in files:
        if file.stem not in ids:
            raise SwapError(
                f"{file}: clip {clip} has no face {file.stem}; name it after a face of results/clips/{clip}/masks.zip"
            )
        mask = store.read_picture(file)
        if mask.shape[0] != mask.shape[1]:
            wide, high = mask.shape[1], mask.shape[0]
            raise SwapError(
                f"{file}: expected a square mask of the whole crop, found {wide}x{high}; paint over the face's own picture"
            )
        mask = mask.max(-1)
        found[file.stem] = (
            mask if len(mask) <= LARGEST else cv2.resize(mask, (LARGEST, LARGEST), interpolation=cv2.INTER_AREA)
        )
    return found


def grey(crop):
    """A crop in grey, of the masks' size."""
    return cv2.cvtColor(
        cv2.resize(crop, (parsing.SIDE, parsing.SIDE), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY
    )


if __name__ == "__main__":
    run(
        main,
        arguments(
            __doc__,
            settings="text: JSON of the section parse",
            clip="text: the clip's name",
            faces="file: faces.parquet",
            archives="file: faces.zip",
            parser_file="files: the parser's ONNX file, where the settings name one",
            painted="files: masks painted by hand, named by the face's id",
            out="file: masks.zip",
        ),
    )
