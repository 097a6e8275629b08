"""The parameters of conversion: as all others in fields.py, declared once, with their defaults."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field

from swapcore.config.kinds import Section

MaskName = Literal["extended", "components", "hull", "parser"]  # a test compares them with masks.MASKS
How = Literal["min", "max", "product"]
Masks = Annotated[
    dict[How, Annotated[list[MaskName], Field(min_length=2)]],
    Field(min_length=1, max_length=1),
]
Learned = Literal["learned"]
ShownMasks = Annotated[
    dict[How, Annotated[list[MaskName | Learned], Field(min_length=2)]],
    Field(min_length=1, max_length=1),
]


def masks_named(value: Any, *, alone: tuple[str, ...] = (), more: tuple[str, ...] = ()) -> Any:
    """A mask as it is. Raises ValueError, in words of its own, where it is none.

    alone: names that go with no other; more: others than those of MaskName.
    """
    known = (*get_args(MaskName), *more)
    several = next(iter(value.values())) if isinstance(value, dict) and len(value) == 1 else None
    fits = isinstance(several, list) and len(several) > 1 and all(name in known for name in several)
    if value in (*alone, *known) or (fits and next(iter(value)) in ("min", "max", "product")):
        return value
    raise ValueError(
        f"expected {', '.join((*alone, *known))}, or several of these as {{min: [extended, parser]}} (min, max or product), "
        f"got {value!r:.80}"
    )


class Encoder(Section):
    """How the video is compressed."""

    codec: Literal[
        "auto",
        "libx264",
        "libx265",
        "h264_nvenc",
        "hevc_nvenc",
        "h264_qsv",
        "hevc_qsv",
        "h264_vaapi",
        "hevc_vaapi",
        "h264_videotoolbox",
        "hevc_videotoolbox",
    ] = "auto"
    """ffmpeg's encoder: auto takes libx264, for deeper than 8 bits or HDR libx265. The others need NVIDIA's (nvenc), Intel's
    (qsv), Linux' (vaapi) or Apple's (videotoolbox) hardware and drivers."""
    crf: int = Field(20, ge=0, le=51)
    """Constant quality on x264's scale: 0 is lossless with libx264 and libx265, 20 looks like the source at about its size,
    24 is small. Other encoders: their nearest."""
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower"] = "medium"
    """The encoder's effort, where it has such a setting."""


class Convert(Section):
    """Putting the swapped face into the frame."""

    mask: Annotated[
        Literal["auto"] | MaskName | Learned | ShownMasks,
        BeforeValidator(partial(masks_named, alone=("auto",), more=("learned",))),
    ] = "auto"
    """Where the swapped face shows. auto: {min: [extended, parser]}, and up to the hair in shots where the target's forehead
    would show (see the section forehead). extended: up to the lower forehead; components: the parts from brows to jaw; hull:
    the hull of all landmarks; parser: what the stage `parse` took for face, up to the hair, without what is before it;
    learned: what the model itself takes for face (train.learn_mask). Several as {min: [extended, parser]} (what is in all), max
    (in any) or product."""
    soften: float = Field(0.10, ge=0, le=0.5)
    """Width of the mask's soft edge, share of the face's size."""
    erode: float = Field(0.02, ge=0, le=0.5)
    """The mask shrinks by this before it is softened, share of the face's size."""
    colour: Literal["reinhard", "mkl", "histogram", "sliced_ot", "none"] = "reinhard"
    """How the swapped face takes on the target's colours. reinhard: mean and spread of each channel; mkl: also how channels go
    together; histogram: each channel's whole distribution; sliced_ot: that of all three at once."""
    relight: bool = True
    """Whether the swapped face is lit as the target is, from the sides that its skin shows, before its colours are changed."""
    blend: Literal["feather", "multiband", "poisson"] = "feather"
    """How the swapped face is laid over the frame. feather: mixed by the mask's soft edge; multiband: coarse tones over a wide
    edge, fine detail over a narrow one; poisson: the face's tone is first made to meet the frame's along the edge, but for
    where hair, a hand or another edge is."""
    finish: bool = True
    """Whether the swapped face is made as sharp, as blurred by motion and as grainy as the frame around it."""
    restorer_file: str | None = Field(None, min_length=1)
    """A network that restores faces, as an ONNX file: each swapped face goes through it before it is laid into the frame."""
    restorer_size: int = Field(512, ge=16, le=2048)
    """Side of the pictures that the restorer takes, pixels."""
    restorer_range: Literal["0..1", "-1..1", "0..255"] = "-1..1"
    """The values that the restorer takes and gives."""
    restorer_order: Literal["rgb", "bgr"] = "rgb"
    """The order of its colours."""
    restorer_strength: float = Field(0.5, ge=0, le=1)
    """How much of the restored face is mixed with the swapped one: 1 is all of it."""
    runtime: Literal["onnx", "tensorflow"] = "onnx"
    """What runs the trained model: onnx, on the processor, ready at once and in half a gigabyte less; tensorflow, on a GPU
    where it finds one. The pictures differ by less than rounding."""
    encoder: Encoder = Encoder()
    """How the video is compressed."""

    def parses(self) -> bool:
        """Whether the mask wants what the stage `parse` says."""
        return self.mask == "auto" or "parser" in self._named()

    def learns(self) -> bool:
        """Whether the mask wants what the model says."""
        return "learned" in self._named()

    def _named(self) -> list[str]:
        return [self.mask] if isinstance(self.mask, str) else next(iter(self.mask.values()))


class Forehead(Section):
    """What is done about the target's forehead where `convert.mask` is auto."""

    tone: float = Field(3.0, ge=0)
    """By how much (CIEDE2000) the forehead that the mask leaves may differ from what the swap would have there."""
    wrinkles: float = Field(0.6, ge=0)
    """By how much more its lines may stand out than the swap's, per cent of the skin's brightness."""
    faces: int = Field(12, ge=1)
    """How many faces of a shot are looked at."""
