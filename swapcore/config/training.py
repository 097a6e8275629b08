"""The parameters of training: as all others in fields.py, declared once, with their defaults."""

from __future__ import annotations

import itertools
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from swapcore.config.architectures import BATCH, SIZES
from swapcore.config.compositing import MaskName, Masks, masks_named
from swapcore.config.kinds import Name, Section, hint


class Budget(Section):
    """How long to train; one of the two."""

    steps: int | None = Field(None, ge=1)
    """Until this many steps."""
    minutes: float | None = Field(None, gt=0)
    """Until this many minutes of training."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.steps is None) == (self.minutes is None):
            raise ValueError("expected either steps or minutes, for example {minutes: 30}")
        return self


class Weights(Section):
    """How much more than the rest of the face its features count in the loss: 0 as much, 1 twice as much."""

    eyes: float = Field(2.0, ge=0, le=20)
    """The eyes with their lids."""
    mouth: float = Field(1.0, ge=0, le=20)
    """The mouth with its lips."""


LossName = Literal["mae", "mse", "ssim", "ms_ssim", "laplacian", "gradient", "focal_frequency", "features"]
Losses = dict[LossName, Annotated[float, Field(gt=0, le=1000)]]


class Until(Section):
    """Where a phase ends at the latest, counted from the beginning; one of the three."""

    share: float | None = Field(None, gt=0, lt=1)
    """Share of the budget."""
    steps: int | None = Field(None, ge=1)
    """Steps, of a budget in steps."""
    minutes: float | None = Field(None, gt=0)
    """Minutes, of a budget in minutes."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(value is not None for value in (self.share, self.steps, self.minutes)) != 1:
            raise ValueError("expected one of share, steps and minutes, for example {share: 0.5}")
        return self


class Phase(Section):
    """A part of the training."""

    warp: Literal["random", "landmarks", "none"]
    """How the input is bent: at random; into the landmarks of a face of the other person that is like it; not at all."""
    until: Until | None = None
    """Where it ends at the latest: {share: 0.5}, {steps: 5000} or {minutes: 10}. The last has none: it ends with the budget."""
    plateau: bool = True
    """Whether it ends sooner, when quality has stopped rising. The last phase does so with stop: plateau alone."""
    rate: float = Field(1.0, gt=0, le=10)
    """Of learning_rate."""
    rate_end: float | None = Field(None, ge=0, le=10)
    """The same where the phase ends at the latest: between, it changes evenly. Left out: it stays."""
    losses: Losses | None = Field(None, min_length=1)
    """Instead of train.losses."""

    def rate_at(self, share: float) -> float:
        """Of learning_rate where so much of the phase is over, 0..1."""
        end = self.rate if self.rate_end is None else self.rate_end
        return self.rate + share * (end - self.rate)


class Train(Section):
    """Training of one shared encoder with a decoder per person."""

    model: Literal["small", "core", "original", "lightweight", "dfaker", "dfl_sae_df", "dfl_sae_liae"] = "small"
    """small: 64 pixels, minutes on a laptop; core: 128 pixels and more; original, lightweight (64 pixels), dfaker and dfl_sae
    (128): the classics of the family, hours. The guide compares them."""
    resolution: int | None = Field(None, ge=32, le=512)
    """Side of the pictures that the model sees and makes, pixels, a multiple of 16, 32 or 64 as the model asks; left out: the
    model's own, 64 or 128. Twice the side costs four times the time."""
    budget: Budget = Budget(minutes=30)
    """When to stop: {steps: 20000} or {minutes: 30}; counted over all runs."""
    continue_share: float = Field(0.25, gt=0, le=1)
    """After the data or a setting changed, a trained swap goes on for this share of the budget."""
    batch: Annotated[int, Field(ge=1, le=1024)] | Literal["auto"] | None = None
    """Faces of each person in a step; left out: 4 for small, 16 for the others and with backend: jax. Fewer learn more from as
    many faces, more keep a GPU busy. auto: the smallest with nearly the best images/s on this machine, found once by trying.
    Where memory runs out, half of it."""
    learning_rate: float = Field(3e-4, gt=0, le=0.1)
    """Of Adam."""
    precision: Literal["auto", "bfloat16", "float32"] = "auto"
    """What is computed in; weights are always float32. auto: bfloat16 where the machine has instructions for it, else float32,
    two to three times as quick there.
    """
    backend: Literal["tensorflow", "jax"] = "tensorflow"
    """What computes: tensorflow, the quicker one on processors; jax, for GPUs (the extra `gpu` or `jax`)."""
    coverage: float = Field(0.8, gt=0.2, le=1)
    """Share of the archive's crop that the model sees, of the crop's side."""
    mask: Annotated[MaskName | Masks, BeforeValidator(masks_named)] = "extended"
    """Where the loss looks, in the words of convert.mask. With parser, as in {min: [extended, parser]}, a hand, hair or glasses
    before a face are not learnt: its clips are parsed first."""
    learn_mask: bool = False
    """Whether the model also learns to tell the face in its picture, from `mask`: for convert.mask with learned."""
    losses: Losses = Field({"mae": 1.0, "ssim": 0.5}, min_length=1)
    """What is made small: losses and their weights. mae and mse: absolute and squared error; ssim, ms_ssim: structure, at one and
    at several scales; laplacian: bands of detail; gradient: edges; focal_frequency: the worst frequencies; features: what the
    early layers of dlib's face network see."""
    weights: Weights = Weights()
    """How much more eyes and mouth count."""
    warp: float = Field(1.0, ge=0, le=4)
    """Strength of the random warp of the input; 1 is the classic one (normal, 5/256 of the side)."""
    schedule: list[Phase] = Field(
        [
            Phase(warp="random", until=Until(share=0.5)),
            Phase(warp="landmarks", until=Until(share=0.75)),
            Phase(warp="none", rate=1 / 6, losses={"mae": 1.0, "ssim": 0.5, "gradient": 1.0}),
        ],
        min_length=1,
        max_length=20,
    )
    """The phases of training, one after the other."""
    start_from: Name | None = None
    """Another swap of the same model: training begins with its encoder, and with the decoder of a person who is in both."""
    start_rate: float = Field(0.3, gt=0, le=1)
    """With start_from: the learning rate of the encoder, and of all else that both people use, of that of what is one's own."""
    seed: int = Field(1, ge=0, lt=2**31)
    """Of the weights and the samples."""
    deterministic: bool = False
    """Whether the same data, settings, machine and number of processors give the same weights to the last bit, also after a
    kill; with a budget in steps. It costs speed on a GPU; without it they differ by rounding."""
    held_out: int = Field(24, ge=0, le=500)
    """Faces of each person that never train and by which quality is measured, at most an eighth of all; 0: it is not."""
    quality_every: float | None = Field(None, gt=0)
    """Minutes between two measurements of quality; left out: a fortieth of the budget, but 40 s to 5 min. With a budget in
    steps, where it must be left out: a fortieth, but at least 250 steps."""
    deliver: Literal["best", "last"] = "best"
    """Which weights are handed over: those of the best measured quality, or the last."""
    stop: Literal["budget", "plateau"] = "budget"
    """budget: at its end; plateau: sooner, when quality has stopped rising in the last phase, which then follows as soon in
    proportion as the ones before it ended."""
    patience: int = Field(10, ge=3, le=1000)
    """For stop: plateau. After so many measurements without a gain beyond their noise, quality has stopped rising."""
    devices: Literal["all"] | Annotated[int, Field(ge=1, le=64)] = hint("all")
    """GPUs that a batch is spread over, with backend: jax: all that are seen, or how many; batch is a multiple of it. It does not
    change what is learnt. tensorflow takes one."""
    checkpoint_every: float = hint(60.0, gt=0)
    """Seconds between two saved states: what a kill can cost at most."""
    watch_every: float = hint(300.0, gt=0)
    """Seconds between two lines that say what limits training; there is one at the end, too."""
    progress_every: float = hint(5.0, gt=0)
    """Seconds between two lines of progress."""

    def parses(self) -> bool:
        """Whether the mask wants what the stage `parse` says."""
        return self.mask == "parser" or (isinstance(self.mask, dict) and "parser" in next(iter(self.mask.values())))

    @property
    def side(self) -> int:
        """Side of the pictures that the model sees and makes, pixels."""
        return self.resolution or SIZES[self.model].default

    @property
    def faces_a_step(self) -> int | Literal["auto"]:
        """Faces of each person in a step, or `auto`."""
        if self.batch is not None:
            return self.batch
        return SIZES[self.model].batch if self.backend == "tensorflow" else BATCH

    @model_validator(mode="after")
    def _built(self) -> Self:
        if self.resolution is not None and (wrong := SIZES[self.model].wrong(self.resolution)):
            raise ValueError(f"resolution of {self.model}: {wrong}")
        return self

    def until(self) -> tuple[float, ...]:
        """Where each phase ends at the latest, as shares of the budget; the last is 1."""
        whole = self.budget.steps or self.budget.minutes
        ends = (phase.until for phase in self.schedule[:-1])
        return (*(end.share or (end.steps or end.minutes) / whole for end in ends), 1.0)

    def mix(self) -> tuple[str, ...]:
        """The names of the losses that any phase makes small."""
        return tuple(dict.fromkeys(name for one in (self, *self.schedule) for name in one.losses or ()))

    def shares(self, phase: Phase) -> list[float]:
        """The weights of these losses in a phase."""
        return [(phase.losses or self.losses).get(name, 0.0) for name in self.mix()]

    @model_validator(mode="before")
    @classmethod
    def _renamed(cls, data: Any) -> Any:
        if isinstance(data, dict) and "warp_share" in data:
            raise ValueError(
                "warp_share is now part of schedule; write for example "
                "schedule: [{warp: random, until: {share: 0.75}}, {warp: none, rate: 0.17}]"
            )
        return data

    @model_validator(mode="after")
    def _phases(self) -> Self:
        *before, last = self.schedule
        if last.until is not None:
            raise ValueError("schedule: the last phase ends with the budget; leave its until out")
        unit = "steps" if self.budget.steps is not None else "minutes"
        for number, phase in enumerate(before, 1):
            if phase.until is None:
                raise ValueError(
                    f"schedule: phase {number} of {len(self.schedule)} needs until, for example {{share: 0.5}}"
                )
            if phase.until.share is None and getattr(phase.until, unit) is None:
                raise ValueError(
                    f"schedule: the budget is in {unit}; give until of phase {number} in {unit} or as a share"
                )
        ends = self.until()
        if any(end <= begin for begin, end in itertools.pairwise((0.0, *ends))):
            said = ", ".join(f"{end:.0%}" for end in ends[:-1])
            raise ValueError(
                f"schedule: expected phases that end one after the other within the budget, found {said} of it"
            )
        return self

    @model_validator(mode="after")
    def _spread(self) -> Self:
        if self.devices == "all" or self.devices == 1:
            return self
        if self.backend != "jax":
            raise ValueError(f"devices: {self.devices} need backend: jax; tensorflow takes one")
        batch = self.faces_a_step
        if batch != "auto" and batch % self.devices:
            below, above = (batch // self.devices + more for more in (0, 1))
            fitting = " or ".join(str(n * self.devices) for n in (below, above) if n)
            raise ValueError(
                f"batch: expected a multiple of devices, {self.devices}, found {batch}; for example {fitting}"
            )
        return self

    @model_validator(mode="after")
    def _judged(self) -> Self:
        if 0 < self.held_out < 4:
            raise ValueError(
                f"held_out: expected 0, or 4 faces of each person at least to judge by, found {self.held_out}"
            )
        return self

    @model_validator(mode="after")
    def _clockless(self) -> Self:
        if self.quality_every is not None and self.budget.steps is not None:
            raise ValueError(
                "quality_every is in minutes, for a budget in minutes; leave it out, or give budget: {minutes: 30}"
            )
        return self
