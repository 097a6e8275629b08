"""A clip's faces from its frames: found, followed, cut out, described. One pass, two processes, memory that hardly grows."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import replace
from functools import cache, partial
from typing import Any, NamedTuple

import cv2
import numpy as np

from swapcore import align, detect, embedding, nets, quality, store
from swapcore.config.fields import Faces
from swapcore.types import ClipInfo, FaceSet

Row = dict[str, Any]
KEPT = ("frame", "track", "box_xyxy", "landmarks_xy", "score", "detected", "fitted")  # of detect.Found, as columns
BATCH = 12  # faces that are described together
PART = 512  # rows that are packed together
QUEUE_BYTES = 256 << 20  # of frames that `follow` may hold; very large frames are looked at more often


class Cut(NamedTuple):
    """What is kept of a face when its frame goes."""

    matrix: np.ndarray  # (2, 3) float32, frame -> crop
    crop_bgr: np.ndarray  # (size, size, 3) uint8
    chip_bgr: np.ndarray | None  # what the identity network sees; None: this face takes a neighbour's embedding


def extract(
    frames: Iterable[tuple[int, int, np.ndarray]],
    names: dict[int, str],
    info: ClipInfo,
    settings: Faces,
    *,
    origins: Mapping[int, tuple[str, str]],
    given: Mapping[int, tuple[np.ndarray, float]],
    detector: detect.Detector,
    fit: detect.Fitter,
    worker: Executor,
    network: Callable[[], Any],
) -> Iterator[tuple[Row, bytes]]:
    """Each face of a clip, in order: its row of the face table but for what needs its whole track, and its PNG.

    Takes (number, shot, frame_bgr (h, w, 3) uint8) and `names`, a photo's file name or "" by number; `origins` are the
    name and sha256 of the file that each is from, which the PNG's row keeps. `given` are landmarks (68, 2) and score of
    photos that say themselves where their one face is: in those nothing is detected. `worker` embeds, scores and
    compresses the faces of some frames while those of the next are found; there `network` gives the session of the identity
    network. A row's `embedding` is None where the face takes that of its track's nearest; see `table`.
    """
    seen: set[int] = set()

    def cut(number: int, frame_bgr: np.ndarray, landmarks_xy: np.ndarray, track: int) -> Cut:
        embedded = track not in seen or number % settings.embed_every == 0
        seen.add(track)
        return _cut(frame_bgr, landmarks_xy, settings, embedded=embedded)

    follow = partial(
        detect.follow,
        detect=detector,
        fit=fit,
        **_pace(info, settings),
        min_size=settings.min_size,
    )
    found = _photos(frames, cut, given, follow) if info.photos else follow(frames, cut)
    waiting: deque[Future] = deque()
    for batch in _batches(found, names):
        files = {face.frame: origins[face.frame] for _, face in batch}
        waiting.append(worker.submit(_described, batch, info, settings, files, network))
        if len(waiting) > 2:
            yield from waiting.popleft().result()
    for done in waiting:
        yield from done.result()


def margin(info: ClipInfo, settings: Faces) -> tuple[int, int]:
    """How many frames before and behind a segment of a clip decide which tracks go on in it: as long as a face is carried or
    out of sight at most, and is looked for; and in every how many frames of a shot faces are looked for.
    """
    pace = _pace(info, settings)
    return pace["carry"] + pace["gap"] + 2 * pace["every"], pace["every"]


def _pace(info: ClipInfo, settings: Faces) -> dict[str, int]:
    """What `detect.follow` counts, in frames."""
    rate = float(info.rate)
    every = max(1, min(settings.every, QUEUE_BYTES // (6 * info.width * info.height)))
    carry = max(every, round(rate * detect.CARRY_SECONDS))
    return {"every": every, "carry": carry, "gap": round(rate * detect.GAP_SECONDS)}


def second_process(network: Callable[[], Any], *, threads: int, start: str = "spawn") -> Executor:
    """A worker for `extract`: a process of its own, since dlib holds Python's lock. It makes the network at once.

    `network` must be one that can be sent there, such as partial(identity_network, 1). `start` is multiprocessing's: `fork`
    has all modules at once, but only a process that has no threads yet may fork.
    """
    begin = multiprocessing.get_context(start)
    worker = ProcessPoolExecutor(1, mp_context=begin, initializer=_begin, initargs=(threads,))
    worker.submit(_warm, network)
    return worker


@cache
def identity_network(threads: int) -> Any:
    """nets.identity_session, made once in a process."""
    return nets.identity_session(threads=threads)


def _begin(threads: int) -> None:
    """In the second process: the first one alone answers Ctrl-C, and where it is killed the second ends too."""
    cv2.setNumThreads(threads)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)


def _warm(network: Callable[[], Any]) -> None:
    network()


def gathered(found: Iterable[tuple[Row, bytes]], parts: list[FaceSet]) -> Iterator[tuple[str, bytes]]:
    """Hand the pictures of `extract` on, as (id, PNG); the rows are packed into `parts`, a tenth of their size as objects."""
    rows: list[Row] = []
    for row, png in found:
        rows.append(row)
        if len(rows) >= PART:
            parts.append(_packed(rows))
            rows.clear()
        yield row["id"], png
    if rows:
        parts.append(_packed(rows))


def table(parts: Iterable[FaceSet]) -> FaceSet:
    """The face table of `gathered` parts: embeddings filled in along the tracks, landmarks steadied."""
    faces = FaceSet.concatenate(parts)
    smooth = faces.landmarks_xy.copy()
    for track in np.unique(faces.track):
        mine = np.flatnonzero(faces.track == track)
        smooth[mine] = detect.smooth(smooth[mine], faces.frame[mine])
    return FaceSet(**{**faces.columns(), "embedding": _filled(faces), "landmarks_smooth_xy": smooth})


def joined(parts: Sequence[FaceSet], own: Sequence[Collection[int]]) -> list[FaceSet]:
    """The clip's faces by segment, of `gathered` ones that were extracted with a margin of frames around each segment.

    `own` are the numbers of each segment's frames. Margins are dropped; tracks have the clip's numbers. Where none of a track's
    faces that stay has an embedding, those of the margins serve. See `table`.
    """
    mine = [np.isin(part.frame, list(numbers)) for part, numbers in zip(parts, own, strict=True)]
    followed = [
        detect.Followed(part.frame, part.track, part.box_xyxy, rows) for part, rows in zip(parts, mine, strict=True)
    ]
    found = list(zip(parts, mine, detect.joined(followed), strict=True))
    known = np.concatenate([tracks[rows & _embedded(part)] for part, rows, tracks in found])
    done = []
    for part, rows, tracks in found:
        bare = rows & ~np.isin(tracks, known)
        embeddings = np.where(bare[:, None], _filled(part), part.embedding) if bare.any() else part.embedding
        done.append(FaceSet(**{**part.columns(), "track": tracks, "embedding": embeddings}).select(rows))
    return done


def _embedded(faces: FaceSet) -> np.ndarray:
    """Which faces have an embedding of their own, (n,) bool."""
    return ~np.isnan(faces.embedding[:, 0])


def _filled(faces: FaceSet) -> np.ndarray:
    """Embeddings (n, 128) float32: where a face has none, that of the nearest of its track, which must have one."""
    embeddings, own = faces.embedding.copy(), _embedded(faces)
    for track in np.unique(faces.track):
        mine = np.flatnonzero(faces.track == track)
        known = mine[own[mine]]
        embeddings[mine] = embeddings[known[_nearest(faces.frame[mine], faces.frame[known])]]
    return embeddings


def _packed(rows: list[Row]) -> FaceSet:
    """Rows as columns; what is still missing is NaN, or not yet steadied."""
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
    unknown = np.full(128, np.nan, np.float32)
    columns["embedding"] = [unknown if one is None else one for one in columns["embedding"]]
    return FaceSet(**columns, landmarks_smooth_xy=columns["landmarks_xy"])


def _nearest(values: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Index of the nearest of `among` (m,), ascending, for each of `values` (n,); of two the earlier."""
    after = np.searchsorted(among, values).clip(1, max(len(among) - 1, 1))
    if len(among) == 1:
        return np.zeros(len(values), int)
    return np.where(values - among[after - 1] <= among[after] - values, after - 1, after)


def _batches(
    found: Iterable[tuple[int, list[detect.Found]]], names: dict[int, str]
) -> Iterator[list[tuple[str, detect.Found]]]:
    """Lists of (id, face) of about BATCH faces."""
    batch: list[tuple[str, detect.Found]] = []
    for number, faces in found:
        stem = os.path.splitext(names[number])[0] or f"{number:06d}"
        batch += [(f"{stem}_{k}", face) for k, face in enumerate(faces)]
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _photos(
    photos: Iterable[tuple[int, int, np.ndarray]],
    cut: Callable[[int, np.ndarray, np.ndarray, int], Cut],
    given: Mapping[int, tuple[np.ndarray, float]],
    follow: Callable[..., Iterator[tuple[int, list[detect.Found]]]],
) -> Iterator[tuple[int, list[detect.Found]]]:
    """The faces of photos, each a track of its own: found, or where their file says that they are."""
    count = 0
    for number, shot, photo_bgr in photos:
        if number in given:
            landmarks, score = given[number]
            box = detect.box_around(landmarks)
            made = cut(number, photo_bgr, landmarks, count)
            faces = [detect.Found(number, count, box, landmarks, score, False, True, made)]
        else:
            [(_, alone)] = follow([(number, shot, photo_bgr)], partial(_on, cut, count))
            faces = [replace(face, track=count + face.track) for face in alone]
        count += len(faces)
        yield number, faces


def _on(
    cut: Callable[..., Cut], first: int, number: int, photo_bgr: np.ndarray, landmarks_xy: np.ndarray, track: int
) -> Cut:
    return cut(number, photo_bgr, landmarks_xy, first + track)


def _cut(frame_bgr: np.ndarray, landmarks_xy: np.ndarray, settings: Faces, *, embedded: bool) -> Cut:
    span = align.span_of(settings.centring, settings.coverage)
    matrix = align.crop_matrix(landmarks_xy, size=settings.crop_size, span=span, centring=settings.centring)
    chip_bgr = embedding.chips(frame_bgr, landmarks_xy)[0] if embedded else None
    return Cut(matrix, align.warp(frame_bgr, matrix, settings.crop_size), chip_bgr)


def _described(
    batch: list[tuple[str, detect.Found]],
    info: ClipInfo,
    settings: Faces,
    origins: Mapping[int, tuple[str, str]],
    network: Callable[[], Any],
) -> list[tuple[Row, bytes]]:
    """Rows and PNGs of a batch."""
    chips = [face.data.chip_bgr for _, face in batch if face.data.chip_bgr is not None]
    embeddings = iter(embedding.embed_chips(np.array(chips), network()) if chips else ())
    done = []
    for name, face in batch:
        matrix, crop_bgr, chip_bgr = face.data
        seen = quality.view(crop_bgr, face.landmarks_xy, face.box_xyxy, matrix)
        scores = quality.of(seen)
        row = {"id": name} | {key: getattr(face, key) for key in KEPT}
        row |= {"matrix": matrix, "embedding": None if chip_bgr is None else next(embeddings)}
        row |= scores | {"thumb": seen.thumb()}
        note = {key: row[key] for key in ("id", "frame", "track", "box_xyxy", "landmarks_xy", "score", "matrix")}
        note |= {"size": settings.crop_size, "centring": settings.centring, "quality": scores}
        note |= {"span": align.span_of(settings.centring, settings.coverage)}
        file, sha256 = origins[face.frame]
        note |= {"clip": info.name, "file": file, "sha256": sha256}
        done.append((row, store.face_png(crop_bgr, store.FaceRow.of(**note))))
    return done
