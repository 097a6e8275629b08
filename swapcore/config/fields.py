"""Every parameter, declared once: type, default, bounds, unit, and one line of what it means.

No default stands anywhere else. A field marked `hint` cannot change any result, so it is kept out of what Snakemake
compares between runs.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeVar

from pydantic import BeforeValidator, Field, model_validator

from swapcore.config.compositing import Convert, Forehead
from swapcore.config.kinds import Name, Section, hint, off
from swapcore.config.training import Train


class StudioClip(Section):
    """One synthetic clip: who plays, and what."""

    actor: str
    """Name of an actor of the studio's cast, or `seed:123` for a head drawn from that seed."""
    performance: int = Field(1, ge=0)
    """Seed of the head's movements, speech, gaze and light."""
    seconds: float = Field(10.0, gt=0, le=600)
    """Length, s."""
    scene: Literal[
        "talk", "calm", "turns", "fast_turns", "side_light", "hand",
        "wrinkles", "fringe", "glasses", "crossing", "compressed", "soft",
    ] = "talk"  # fmt: skip
    """What is shown, beside talking: see swapcore/studio/scenes.py. `crossing` has a second person, the next of the cast."""


class Studio(Section):
    """Synthetic actors for the demo and for tests. Their clips are `results/studio/{name}.mp4`."""

    size: int = Field(320, ge=128, le=1024, multiple_of=2)
    """Side of the square picture, pixels."""
    rate: int = Field(25, ge=1, le=60)
    """Frames per second."""
    grain: float = Field(2.0, ge=0, le=30)
    """Standard deviation of the film grain, grey levels of 255."""
    clips: dict[Name, StudioClip] = hint({})
    """Name of the clip -> who plays and what. A stage gets its own clip's part, so that one can change alone."""


class Frames(Section):
    """The frame table."""

    shot_threshold: float = Field(30.0, gt=0, le=255)
    """Mean difference of two neighbouring 64-pixel grey frames from which a cut is assumed, grey levels of 255."""
    duplicate_threshold: float = Field(0.05, ge=0, le=255)
    """The same difference below which a frame counts as a copy of the one before, grey levels of 255."""
    segment_minutes: float = hint(10.0, gt=0)
    """A longer clip is split into segments of about this length at most, whose faces are found and whose frames are converted
    by a job each, min. Where their number stays, nothing is made again."""


class Faces(Section):
    """Finding, aligning and describing faces."""

    detector: Literal["cnn", "hog", "yunet"] = "cnn"
    """cnn: dlib's, also for profiles and partly covered faces; hog: dlib's for frontal faces; yunet: OpenCV's, by your file."""
    detector_file: str | None = Field(None, min_length=1)
    """Only for yunet: the network as an ONNX file, such as OpenCV's face_detection_yunet_2023mar.onnx."""
    detect_size: int = Field(512, ge=64, le=4096)
    """The longer side that frames are detected at, pixels; cnn finds faces from 62 there, hog from 80, yunet from about 10."""
    small_faces: bool = False
    """Whether to find faces half as wide too, with cnn from a sixteenth of the frame: detection at four times the pixels."""
    every: int = Field(12, ge=1, le=100)
    """Detect in every n-th frame; between, faces are carried by their landmarks."""
    embed_every: int = Field(4, ge=1, le=100)
    """Embed the first face of a track and those of every n-th frame; those between take the embedding of the nearest."""
    min_score: float = Field(0.0, ge=-5, le=5)
    """Detections below this score are dropped: 0 is the detector's usual, clear faces have 1; down to -0.6 finds more."""
    min_size: int = Field(32, ge=8)
    """Faces with a box narrower than this are dropped, pixels of the frame."""
    crop_size: int = Field(256, ge=128, le=1024)
    """Side of the aligned crops in the archive, pixels."""
    centring: Literal["legacy", "face", "head"] = "legacy"
    """legacy: brows to mouth in the middle; face: chin to hairline, also when turned; head: with hair, ears and neck."""
    coverage: float = Field(1.0, ge=0.5, le=2)
    """Side of the crops, as a share of the centring's own (2, 2.2, 3.2 times the brows' width): 0.8 is closer, 1.2 shows more."""

    @model_validator(mode="after")
    def _file(self) -> Self:
        if self.detector == "yunet" and not self.detector_file:
            raise ValueError("detector yunet needs detector_file, the path of its ONNX file; the others need none")
        if self.detector != "yunet" and self.detector_file:
            raise ValueError(f"detector_file is for detector yunet, not for {self.detector}; delete one of the two")
        return self


class Parse(Section):
    """What of each face is face, and not hair, glasses or a hand before it: for `convert.mask` with `parser`."""

    parser: Literal["own", "hairline", "bisenet_19", "bisenet_5", "unet_dfl", "xseg"] = "own"
    """own: ours, learnt from synthetic actors; hairline: no network, but landmarks, colours and edges; the others by your file:
    BiSeNet of CelebAMask-HQ's 19 or faceswap's 5 classes, DeepFaceLab's U-Net, XSeg and occluders like it."""
    parser_file: str | None = Field(None, min_length=1)
    """The network of the others as an ONNX file."""
    memory: float = Field(0.9, ge=0, le=0.98)
    """How much a neighbouring frame's mask weighs where picture and movement agree: 0 takes each frame by itself and flickers."""

    @model_validator(mode="after")
    def _file(self) -> Self:
        alone = self.parser in ("own", "hairline")
        if not alone and not self.parser_file:
            raise ValueError(
                f"parser {self.parser} needs parser_file, the path of its ONNX file; own and hairline need none"
            )
        if alone and self.parser_file:
            raise ValueError(f"parser_file is for the other parsers, not for {self.parser}; delete one of the two")
        return self


class References(Section):
    """What is taken as known of a person."""

    max_faces: int = Field(50, ge=1)
    """Where there are no photos, this many faces at most are taken from clips: where the person is alone, or decided by hand."""


class Identify(Section):
    """Whose face is it."""

    threshold: float = Field(0.6, gt=0, le=2)
    """Largest distance between a track's embeddings and a person's references, dlib's unit (same person below about 0.6)."""
    margin: float = Field(0.1, ge=0, le=2)
    """The next nearest person must be farther by this much, same unit; else the face stays unknown."""


class Groups(Section):
    """Who the unknown faces of a clip might be: those that look like one person are shown together."""

    threshold: float = Field(0.45, gt=0, le=2)
    """Largest mean distance between the tracks of a group, dlib's unit. Larger puts people who look alike into one group."""
    rows: int = Field(20, ge=1, le=200)
    """Groups on the sheet, those with the most faces; groups.yaml has all."""


SortKey = Literal[
    "time",
    "sharpness",
    "motion_blur",
    "exposure",
    "contrast",
    "redness",
    "warmth",
    "size",
    "yaw",
    "pitch",
    "roll",
    "mouth_open",
    "eyes_open",
    "misalignment",
    "occlusion",
    "distance",
    "similarity",
]


class Sort(Section):
    """Order and groups of the contact sheet and of the page; the looks of a person. May also be set for one person."""

    by: SortKey = "sharpness"
    """What faces are ordered by, best or smallest first."""
    like: str = Field("", pattern=r"^$|^[A-Za-z0-9_-]+/.+")
    """The face that `similarity` compares with, as clip/id; empty: the mean of all the person's faces."""
    group: Literal["none", "look", "clip"] = "none"
    """What the sheet is parted by first."""
    bins: int = Field(0, ge=0, le=24)
    """About so many bins of the order part the sheet; 0: none. Three bins of yaw are left, ahead and right."""
    sheet: int = Field(120, ge=1, le=5000)
    """Faces on the sheet; more are thinned out evenly."""
    look_distance: float = Field(0.3, gt=0, le=1)
    """How unlike tracks of one person must be to be two looks, dlib's unit; larger gives fewer looks."""


class Clean(Section):
    """Which faces train and which are swapped. May also be set for one person."""

    looks: list[Annotated[int, Field(ge=1)]] = Field(default_factory=list)
    """Numbers of the looks that train, as on the page and on a sheet with `sort.group: look`; empty: all. Best set for one
    person, as in `people: {ann: {clean: {looks: [2]}, ...}}`."""

    min_sharpness: float = Field(5.0, ge=0)
    """Softer faces do not train, per cent as under the faces of the sheet: up to about 5 is soft, from 9 on sharp."""
    max_motion_blur: float = Field(65.0, ge=0, le=100)
    """Faces smeared more in one direction do not train, per cent: a smear of a twelfth of the face's width has about 62."""
    min_exposure: float = Field(8.0, ge=0, le=100)
    """Darker faces do not train, mean L* (0 black, 100 white)."""
    max_exposure: float = Field(95.0, ge=0, le=100)
    """Brighter faces do not train, mean L*."""
    min_contrast: float = Field(2.5, ge=0, le=50)
    """Flatter faces do not train, standard deviation of L*: dense fog has 1 to 4, good footage 5 to 17."""
    min_size: int = Field(40, ge=0)
    """Smaller faces do not train, width of the box in pixels of the frame."""
    max_yaw: float = Field(75.0, ge=0, le=90)
    """Faces turned farther to a side do not train, degrees."""
    max_pitch: float = Field(60.0, ge=0, le=90)
    """Faces raised or bowed farther do not train, degrees."""
    max_misalignment: float = Field(95.0, ge=0)
    """Faces whose landmarks fit the picture less do not train, per cent: in place 45 to 75, in hard light and near profile to
    91, a third of the brows' width aside 87 to 123, on no face about 100."""
    max_occlusion: float = Field(60.0, ge=0, le=100)
    """Faces of which more seems hidden do not train, per cent of the skin; a guess, thick glasses have about 40."""
    max_distance: float = Field(0.6, gt=0, le=2)
    """Faces whose own embedding lies farther from the references do not train."""
    filled: Literal["drop", "keep"] = "drop"
    """Whether faces train whose landmarks were filled in over a short gap: the picture still showed the face there, while
    neither detector nor landmarks found it."""
    duplicates: Literal["drop", "keep"] = "keep"
    """Whether faces of frames that hardly differ from the frame before train. A slow movement is dropped whole by `drop`;
    `near_duplicates` looks at the face itself."""
    damaged: Literal["drop", "keep"] = "drop"
    """Whether faces of frames train that have no picture of their own, or one that may be wrong, since the file is damaged
    there; they are swapped in any case."""
    near_duplicates: float = Field(6.0, ge=0, le=50)
    """Of faces of one clip whose pictures differ less, the sharpest trains, per cent of their contrast; 0: all train.
    Neighbouring frames of a calm speaker differ by 4 to 12, a blink by 28."""


class Dataset(Section):
    """The faces that training sees."""

    max_faces: int = Field(5000, ge=16)
    """More are thinned out evenly over the poses."""


class Advise(Section):
    """What a swap's dataset lacks, and which of its faces to drop: said before training."""

    radius: float = Field(1.0, gt=0, le=5)
    """How far from a face of the target the source's nearest may be to count as alike: 1 is 15 degrees of yaw, or 20 of pitch,
    a mouth 20 per cent wider open, eyes 35 per cent, a side of the face 10 per cent brighter; differences add up as squares."""
    few: int = Field(10, ge=0)
    """So many faces of the source in a region, or fewer, count as hardly any."""
    min_share: float = Field(1.0, ge=0, le=100)
    """A gap that fewer of the target's frames fall into is not named, per cent."""
    soft: float = Field(40.0, ge=0, le=100)
    """Faces less sharp than this are named to be dropped, per cent of the person's median, where they are soft at all."""
    twins: float = Field(6.0, ge=0, le=50)
    """As `clean.near_duplicates`, which looks within a clip, over all clips of a person: takes of one scene repeat themselves."""
    drop: int = Field(60, ge=0)
    """Faces of each person named to be dropped at most."""
    examples: int = Field(8, ge=0, le=40)
    """Faces of the target shown for each gap, each above the most similar of the source."""


class Label(Section):
    """What the video says about itself. Metadata and sidecar are always written."""

    note: Annotated[Literal["opening", "always", "off"], BeforeValidator(off)] = "opening"
    """When the visible note is shown: in the opening seconds, always, or never (with a reason)."""
    note_seconds: float = Field(2.0, ge=2.0, le=60)
    """Length of the opening, s."""
    note_text: str = Field("Synthetic: face swapped", min_length=9, max_length=80, pattern="(?i)synthetic")
    """The note; must hold the word synthetic."""
    note_reason: str = ""
    """Why the note is off; recorded in provenance.json. Needed with `note: off`."""
    producer: str = ""
    """Who makes the video: ContentProducer and ContentPropagator of the AIGC label."""
    certificate: str = ""
    """The certificate that videos are signed with, a PEM file: yours first, then those it rests on. Empty: Swapcore makes one
    for itself, which nobody trusts."""
    key: str = ""
    """The private key of that certificate, a PEM file without a password."""
    algorithm: Literal["auto", "es256", "es384", "es512", "ps256", "ps384", "ps512", "ed25519"] = "auto"
    """Of the signature; auto: what fits the key."""
    tsa_url: str = Field("", pattern=r"^$|^https?://[^\s]+$")
    """Address of a time-stamping authority, asked whenever a video is signed: credentials then outlive their certificate.
    Empty: nothing is asked over the network."""

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if bool(self.certificate) != bool(self.key):
            raise ValueError("certificate and key belong together; give both, or none for a self-made certificate")
        if not self.certificate and (self.algorithm != "auto" or self.tsa_url):
            raise ValueError("algorithm and tsa_url are for your own certificate; give certificate and key too")
        return self

    @model_validator(mode="after")
    def _reason(self) -> Self:
        if self.note == "off" and len(self.note_reason.strip()) < 10:
            raise ValueError("note: off needs note_reason, a sentence that says why; it is recorded in provenance.json")
        return self


class Measure(Section):
    """Measuring the finished video."""

    frames: int = Field(48, ge=1)
    """Frames looked at, spread evenly over those with a swapped face."""


class Report(Section):
    """Pictures for people."""

    strip: int = Field(5, ge=1, le=20)
    """Frames on a video's before/after strip."""


class Preview(Section):
    """A few frames converted, for looking and tuning: `./run snakemake results/videos/{video}/preview.jpg`."""

    frames: int = Field(6, ge=1, le=40)
    """Faces shown, each of another frame; those that differ most in pose, size, light and time."""
    tile: int = Field(360, ge=96, le=1024)
    """Side of each picture, pixels; faces that have room in it are shown pixel by pixel."""


class SideBySide(Section):
    """Original, swapped and mask side by side: `./run snakemake results/videos/{video}/side_by_side.mp4`."""

    height: int = Field(720, ge=64, le=4320)
    """Largest height of each of the three, pixels; smaller clips keep their own."""
    crf: int = Field(20, ge=0, le=51)
    """Constant quality of its H.264: 18 looks like the source, 23 is small."""


S = TypeVar("S", bound=Section)

SECTIONS: dict[str, type[Section]] = {
    "studio": Studio,
    "frames": Frames,
    "faces": Faces,
    "parse": Parse,
    "references": References,
    "identify": Identify,
    "groups": Groups,
    "sort": Sort,
    "clean": Clean,
    "dataset": Dataset,
    "advise": Advise,
    "train": Train,
    "forehead": Forehead,
    "convert": Convert,
    "label": Label,
    "measure": Measure,
    "report": Report,
    "preview": Preview,
    "side_by_side": SideBySide,
}
