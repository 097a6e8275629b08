"""The parameters of training: as all others in fields.py, declared once, with their defaults."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from swapcore.config.architectures import SIZES
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


LossName = Literal["mae", "mse", "ssim", "ms_ssim", "laplacian", "gradient", "focal_frequency"]


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
    batch: Annotated[int, Field(ge=1, le=1024)] | Literal["auto"] = 16
    """Faces of each person in a step; auto: the smallest with nearly the best images/s on this machine, found once by trying.
    It changes what is learnt. Where memory runs out, half of it."""
    learning_rate: float = Field(3e-4, gt=0, le=0.1)
    """Of Adam."""
    precision: Literal["bfloat16", "float32"] = "bfloat16"
    """What is computed in; weights are always float32."""
    backend: Literal["tensorflow", "jax"] = "tensorflow"
    """What computes: tensorflow, the quicker one on processors; jax, for GPUs (the extra `gpu` or `jax`)."""
    coverage: float = Field(0.8, gt=0.2, le=1)
    """Share of the archive's crop that the model sees, of the crop's side."""
    mask: Literal["extended", "components"] = "extended"
    """Where the loss looks."""
    losses: dict[LossName, Annotated[float, Field(gt=0, le=1000)]] = Field({"mae": 1.0, "ssim": 0.5}, min_length=1)
    """What is made small: losses and their weights. mae and mse: absolute and squared error; ssim, ms_ssim: structure, at one and
    at several scales; laplacian: bands of detail; gradient: edges; focal_frequency: the worst frequencies."""
    weights: Weights = Weights()
    """How much more eyes and mouth count."""
    warp: float = Field(1.0, ge=0, le=4)
    """Strength of the random warp of the input; 1 is the classic one (normal, 5/256 of the side)."""
    warp_share: float = Field(0.75, ge=0, le=1)
    """Share of the budget that is trained with the warp; the rest is without it, at a sixth of the learning rate."""
    start_from: Name | None = None
    """Another swap of the same model: training begins with its encoder, and with the decoder of a person who is in both."""
    start_rate: float = Field(0.3, gt=0, le=1)
    """With start_from: the encoder's learning rate, of that of the decoders."""
    seed: int = Field(1, ge=0)
    """Of the weights and the samples."""
    held_out: int = Field(24, ge=0, le=500)
    """Faces of each person that never train and by which quality is measured, at most an eighth of all; 0: it is not."""
    quality_every: float | None = Field(None, gt=0)
    """Minutes between two measurements of quality; left out: a fortieth of the budget, but 40 s to 5 min. With a budget in
    steps, where it must be left out: a fortieth, but at least 250 steps."""
    deliver: Literal["best", "last"] = "best"
    """Which weights are handed over: those of the best measured quality, or the last."""
    stop: Literal["budget", "plateau"] = "budget"
    """budget: at its end; plateau: sooner, when quality has stopped rising; the last part without the warp follows then too."""
    patience: int = Field(10, ge=3, le=1000)
    """For stop: plateau. After so many measurements without a gain beyond their noise, quality has stopped rising."""
    checkpoint_every: float = hint(60.0, gt=0)
    """Seconds between two saved states: what a kill can cost at most."""
    watch_every: float = hint(300.0, gt=0)
    """Seconds between two lines that say what limits training; there is one at the end, too."""
    progress_every: float = hint(5.0, gt=0)
    """Seconds between two lines of progress."""

    @property
    def side(self) -> int:
        """Side of the pictures that the model sees and makes, pixels."""
        return self.resolution or SIZES[self.model].default

    @model_validator(mode="after")
    def _built(self) -> Self:
        if self.resolution is not None and (wrong := SIZES[self.model].wrong(self.resolution)):
            raise ValueError(f"resolution of {self.model}: {wrong}")
        return self

    @model_validator(mode="after")
    def _clockless(self) -> Self:
        if self.quality_every is not None and self.budget.steps is not None:
            raise ValueError(
                "quality_every is in minutes, for a budget in minutes; leave it out, or give budget: {minutes: 30}"
            )
        return self
