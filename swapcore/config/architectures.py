"""The models that can be trained and the pictures they see and make: declared here once, for settings and models alike."""

from __future__ import annotations

from typing import NamedTuple

BATCH = 16  # faces of each person in a step: of models without a number of their own, and on GPUs, which want more


class Sizes(NamedTuple):
    """The sides of the pictures that a model can be built for, pixels, and what it is trained by."""

    default: int
    multiple: int
    least: int
    most: int
    batch: int = BATCH

    def wrong(self, resolution: int) -> str:
        """What is wrong with a resolution, in words; "" where it can be built."""
        if self.least <= resolution <= self.most and resolution % self.multiple == 0:
            return ""
        return f"expected a multiple of {self.multiple} from {self.least} to {self.most}, got {resolution}"


SIZES: dict[str, Sizes] = {
    "small": Sizes(64, 16, 32, 256, batch=4),  # as good from half as many faces as with 16: docs/quality.md
    "core": Sizes(128, 64, 64, 512),
    "original": Sizes(64, 16, 32, 256),
    "lightweight": Sizes(64, 16, 32, 256),
    "dfaker": Sizes(128, 32, 64, 512),
    "dfl_sae_df": Sizes(128, 16, 64, 512),
    "dfl_sae_liae": Sizes(128, 16, 64, 512),
}
"""Name of a model -> what it can be built for; models.MODELS has a row for each."""
