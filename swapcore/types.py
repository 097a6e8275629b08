"""What flows between the stages: tables of equally long columns, their shapes checked once, at construction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from fractions import Fraction
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from swapcore.errors import SwapError


def column(dtype: type | str, *shape: int) -> Any:
    """A column whose rows have this dtype and shape; `str` columns hold Python strings, "" for unknown."""
    return field(metadata={"dtype": np.dtype(object if dtype is str else dtype), "shape": shape})


@dataclass(frozen=True, eq=False)
class Table:
    """Base of all tables: one numpy array per field, axis 0 counts rows."""

    KIND: ClassVar[str] = "table"

    def __post_init__(self) -> None:
        rows = None
        for f in fields(self):
            dtype, shape = f.metadata["dtype"], f.metadata["shape"]
            value = np.asarray(getattr(self, f.name), dtype=dtype)
            if value.size == 0 and value.ndim <= 1:
                value = value.reshape(0, *shape)
            if value.shape[1:] != shape or value.ndim != 1 + len(shape):
                raise ValueError(f"{self.KIND}.{f.name}: expected shape (n, {shape}), got {value.shape}")
            if rows is None:
                rows = len(value)
            if len(value) != rows:
                raise ValueError(f"{self.KIND}.{f.name}: expected {rows} rows, got {len(value)}")
            value.setflags(write=False)
            object.__setattr__(self, f.name, value)

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))

    def columns(self) -> dict[str, np.ndarray]:
        """Name -> array, in the order of the fields."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def select(self, rows: np.ndarray | slice) -> Self:
        """The rows of a boolean mask, an index array or a slice, as a table of the same kind."""
        return type(self)(**{name: value[rows] for name, value in self.columns().items()})

    @classmethod
    def concatenate(cls, tables: Iterable[Self]) -> Self:
        """One table after the other; none at all gives the empty table."""
        tables = list(tables)
        if not tables:
            return cls.empty()
        return cls(**{f.name: np.concatenate([getattr(t, f.name) for t in tables]) for f in fields(cls)})

    @classmethod
    def empty(cls) -> Self:
        """No rows."""
        return cls(**{f.name: np.zeros((0, *f.metadata["shape"]), f.metadata["dtype"]) for f in fields(cls)})


@dataclass(frozen=True, eq=False)
class FrameTable(Table):
    """Every frame of a clip in the order of presentation, or every photo of a folder in the order of names.

    A clip's `start`/`end` do not renumber: `number` counts from the file's first frame. Of an image sequence it is the image's
    own number, and pts counts from the first one's. The stream's time base, size and rate stand in `ClipInfo`.
    """

    KIND: ClassVar[str] = "frames"
    number: np.ndarray = column(np.int64)  # counted from the file's first frame, 0 based; sequences: the image's own
    pts: np.ndarray = column(np.int64)  # presentation time in units of ClipInfo.time_base
    key: np.ndarray = column(np.bool_)  # a key frame: decoding can begin here
    shot: np.ndarray = column(np.int32)  # number of the shot, 0 based
    duplicate: np.ndarray = column(np.bool_)  # hardly differs from the frame before
    decoded: np.ndarray = column(np.int64)  # which of the frames that the file's decoder gives, 0 based; -1: none
    damaged: np.ndarray = column(np.bool_)  # has no picture, or one that may be wrong: see video.damage
    name: np.ndarray = column(str)  # photos and images of a sequence: the file's name; videos: ""


@dataclass(frozen=True)
class ClipInfo:
    """What a clip is, besides its frames. Sizes are upright: after the container's rotation was applied."""

    name: str
    width: int
    height: int
    time_base: Fraction  # seconds per unit of pts
    rate: Fraction  # average frames per second
    photos: bool = False  # a folder of photos: no times, no audio

    def to_json(self) -> dict[str, Any]:
        """As strings and numbers that JSON holds exactly."""
        return {f.name: str(v) if isinstance(v := getattr(self, f.name), Fraction) else v for f in fields(self)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> ClipInfo:
        """The reverse of `to_json`."""
        return cls(**{**data, "time_base": Fraction(data["time_base"]), "rate": Fraction(data["rate"])})


@dataclass(frozen=True, eq=False)
class Measured(Table):
    """What was measured of each face: a column for every row of quality.SCORES, where unit and meaning stand."""

    sharpness: np.ndarray = column(np.float32)  # per cent
    motion_blur: np.ndarray = column(np.float32)  # per cent
    exposure: np.ndarray = column(np.float32)  # L*
    contrast: np.ndarray = column(np.float32)  # L*
    redness: np.ndarray = column(np.float32)  # a*
    warmth: np.ndarray = column(np.float32)  # b*
    size: np.ndarray = column(np.float32)  # pixels of the frame
    yaw: np.ndarray = column(np.float32)  # degrees, positive: the face looks to the image's right
    pitch: np.ndarray = column(np.float32)  # degrees, positive: up
    roll: np.ndarray = column(np.float32)  # degrees, positive: the head leans clockwise in the image
    mouth_open: np.ndarray = column(np.float32)  # per cent
    eyes_open: np.ndarray = column(np.float32)  # per cent
    misalignment: np.ndarray = column(np.float32)  # per cent
    occlusion: np.ndarray = column(np.float32)  # per cent
    thumb: np.ndarray = column(np.uint8, 16, 16)  # the luma from brows to mouth, tiny (quality.View.thumb)


@dataclass(frozen=True, eq=False)
class FaceSet(Measured):
    """Every face found in a clip. Coordinates are pixels of the upright frame; (0, 0) is the centre of the first pixel."""

    KIND: ClassVar[str] = "faces"
    id: np.ndarray = column(str)  # {frame:06d}_{k}, k by box from left to right; photos: {file name}_{k}
    frame: np.ndarray = column(np.int64)  # FrameTable.number
    track: np.ndarray = column(np.int64)  # the same face through time has the same number; photos: one each
    box_xyxy: np.ndarray = column(np.float32, 4)  # left, top, right, bottom
    landmarks_xy: np.ndarray = column(np.float32, 68, 2)  # raw, iBUG order
    landmarks_smooth_xy: np.ndarray = column(np.float32, 68, 2)  # smoothed along the track, for conversion
    score: np.ndarray = column(np.float32)  # the detector's; carried faces keep that of their last detection
    detected: np.ndarray = column(np.bool_)  # found by the detector in this frame, not carried by its track
    fitted: np.ndarray = column(np.bool_)  # landmarks fitted in this frame; else filled in over a short gap
    matrix: np.ndarray = column(np.float32, 2, 3)  # frame pixels -> pixels of the archive's crop
    embedding: np.ndarray = column(np.float32, 128)  # dlib identity; same person below about 0.6 Euclidean


@dataclass(frozen=True, eq=False)
class PeopleTable(Table):
    """Whose face each of a clip's faces is."""

    KIND: ClassVar[str] = "people"
    id: np.ndarray = column(str)
    frame: np.ndarray = column(np.int64)
    track: np.ndarray = column(np.int64)
    person: np.ndarray = column(str)  # "" for unknown
    nearest: np.ndarray = column(str)  # who of everybody known is nearest to the face's track; "" where nobody is known
    distance: np.ndarray = column(np.float32)  # of this face to the references of its person; unknown: of the nearest
    margin: np.ndarray = column(np.float32)  # by how much everybody else is farther from the track; inf: nobody else
    by: np.ndarray = column(str)  # vote, edit; refused: a face of the person `nearest` (or decided), who is refused


@dataclass(frozen=True, eq=False)
class References(Table):
    """What is known of a person's face."""

    KIND: ClassVar[str] = "references"
    origin: np.ndarray = column(str)  # the photo's file name, or clip/face id
    embedding: np.ndarray = column(np.float32, 128)


@dataclass(frozen=True, eq=False)
class KnownTable(Table):
    """What is known of everybody: the embeddings of all references, each person's in one stretch."""

    KIND: ClassVar[str] = "known"
    person: np.ndarray = column(str)
    embedding: np.ndarray = column(np.float32, 128)

    @classmethod
    def of(cls, embeddings: Mapping[str, np.ndarray]) -> Self:
        """From the embeddings (n, 128) of each person."""
        persons = np.repeat(np.array(list(embeddings), object), [len(rows) for rows in embeddings.values()])
        return cls(person=persons, embedding=np.concatenate([np.zeros((0, 128), np.float32), *embeddings.values()]))

    def of_people(self) -> dict[str, np.ndarray]:
        """The embeddings (n, 128) of each person, in the table's order."""
        return {str(name): self.embedding[self.person == name] for name in dict.fromkeys(self.person)}


@dataclass(frozen=True, eq=False)
class ScoreTable(Measured):
    """One person's faces over all clips, with what `sort` and `clean` look at. A face is named by (clip, id)."""

    KIND: ClassVar[str] = "scores"
    clip: np.ndarray = column(str)
    id: np.ndarray = column(str)
    frame: np.ndarray = column(np.int64)
    track: np.ndarray = column(np.int64)
    box_xyxy: np.ndarray = column(np.float32, 4)
    distance: np.ndarray = column(np.float32)  # identity, to the person's references
    similarity: np.ndarray = column(np.float32)  # see sort.similarity
    look: np.ndarray = column(np.int32)  # see looks.looks; 1 is the one seen first
    fitted: np.ndarray = column(np.bool_)  # its landmarks were fitted; else filled in over a short gap
    duplicate: np.ndarray = column(np.bool_)  # its frame hardly differs from the one before
    damaged: np.ndarray = column(np.bool_)  # its frame has no picture of its own, or one that may be wrong
    order: np.ndarray = column(np.int64)  # rank by `sort.by`, 0 first


@dataclass(frozen=True, eq=False)
class DecisionTable(Table):
    """What becomes of each face. Two flags: a blurred face must not train, but must still be swapped, or the video flickers."""

    KIND: ClassVar[str] = "decisions"
    clip: np.ndarray = column(str)
    id: np.ndarray = column(str)
    use_train: np.ndarray = column(np.bool_)
    use_swap: np.ndarray = column(np.bool_)
    reason: np.ndarray = column(str)  # why it does not train; "good" where it does


@dataclass(frozen=True, eq=False)
class DatasetTable(Table):
    """The faces a person is trained from, in an order that depends on names alone."""

    KIND: ClassVar[str] = "dataset"
    clip: np.ndarray = column(str)
    id: np.ndarray = column(str)  # the face's PNG in the clip's archive is {id}.png
    digest: np.ndarray = column(str)  # sha256 of that PNG
    yaw: np.ndarray = column(np.float32)
    pitch: np.ndarray = column(np.float32)


class Parsed(NamedTuple):
    """What was parsed of a face."""

    share: np.ndarray  # (s, s) uint8, how much of a pixel is face: 0 nothing, 255 all
    matrix: np.ndarray  # (2, 3), frame pixels -> its pixels


@dataclass(frozen=True)
class Face:
    """One face as conversion needs it."""

    landmarks_xy: np.ndarray  # (68, 2) float32, frame pixels
    swap: str  # the swap that changes it
    parsed: Parsed | None = None  # where it was
    learned: Parsed | None = None  # what the model took for face, where it was asked
    raised: float = 0.0  # 0..1: how far the mask `auto` is raised to the hair
    smoothed: float = 0.0  # 0..1: how much of the forehead's wrinkles above the mask is taken out

    def __post_init__(self) -> None:
        if np.shape(self.landmarks_xy) != (68, 2):
            raise SwapError(f"face: expected 68 landmarks (68, 2), got {np.shape(self.landmarks_xy)}")


class Changed(NamedTuple):
    """A row of a clip's face table whose face a swap changes."""

    swap: str
    row: int
