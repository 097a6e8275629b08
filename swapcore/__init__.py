"""Swapcore: face-swapped video, made reproducibly. The library; the workflow around it is in `workflow/`."""

__version__ = "0.1.0"
