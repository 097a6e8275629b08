"""Training of a swap: `train` brings it to the end of its budget, from wherever its state stands."""

from swapcore.train.batches import Faces
from swapcore.train.run import Outputs, train
from swapcore.train.start import Start

__all__ = ["Faces", "Outputs", "Start", "train"]
