"""Compilation of the two slow loops by numba. What is compiled is kept on the disk, so only a first run pays for it."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numba

# numba notices a change in the file of a compiled function only: what a kernel calls stands in the kernel's own file


def compiled(function: Callable) -> Callable:
    """Compile by numba's njit and keep what was compiled: beside the source, else in the user's cache folder.

    Where neither can be written the function is compiled anew in every process (some seconds).
    """
    try:
        return numba.njit(function, cache=True, fastmath=True)
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
        warnings.warn(
            "nowhere to keep compiled code; set NUMBA_CACHE_DIR to a folder that can be written", stacklevel=1
        )
        return numba.njit(function, fastmath=True)
