"""What compositors get: each frame's passes (the swapped frame, the face alone, its matte) as sequences or movies."""

from swapcore.passes.forms import FORMS, PASSES, Facts, Form, Frame, Stream
from swapcore.passes.layers import Layer, merged
from swapcore.passes.light import light_of

__all__ = ["FORMS", "PASSES", "Facts", "Form", "Frame", "Layer", "Stream", "light_of", "merged"]
