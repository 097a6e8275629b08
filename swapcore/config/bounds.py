"""A configuration read from YAML, and how large it may be: YAML can name a part of itself again and again, or within itself, in
a few bytes.
"""

from __future__ import annotations

import io
import math
from typing import Any

import yaml

from swapcore.errors import SwapError

DEPTH_LIMIT = 20  # of settings within settings
VALUES_LIMIT = 1_000_000  # in all; a clip's video has about ten
WHOLE_LIMIT = 1 << 63  # of a whole number; Python refuses to write much longer ones as text


CODE = "__use_yte__"  # with it Snakemake runs what else stands in the file as Python, see yte
# what PyYAML raises beside its own errors, for values such as !!int x
FOREIGN = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)


def read(text: str, *, where: str) -> dict[str, Any]:
    """The settings in a text of YAML. Raises SwapError, one line that begins with `where`, where there are none, or too much."""
    stream = io.StringIO(text)  # of which YAML's message says the line, and shows no other text
    stream.name = where  # type: ignore[attr-defined]
    try:
        found = yaml.safe_load(stream)
    except yaml.YAMLError as error:
        words = " ".join(str(error).split())
        remedy = "; begin lines with spaces, not with tabs" if "'\\t'" in words else ""
        raise SwapError(f"{where}: expected YAML: {words}{remedy}") from None
    except FOREIGN as error:
        raise SwapError(f"{where}: expected YAML, found a value that cannot be ({error!s:.200}); correct it") from None
    if not isinstance(found, dict):
        raise SwapError(f"{where}: expected settings such as `people:`, found none; see README.md")
    if CODE in found:
        raise SwapError(f"{where}: expected settings, found {CODE}, by which the file could run programs; take it out")
    check(found, where=where)
    return found


def check(data: Any, *, where: str) -> None:
    """Raise SwapError where settings are nested too deep, too many, or have a number without measure. Goes through all once for
    each place in which it stands, so whatever goes through them later ends.
    """
    left, todo = VALUES_LIMIT, [(data, 0)]
    while todo:
        value, depth = todo.pop()
        if isinstance(value, int) and abs(value) >= WHOLE_LIMIT:
            raise SwapError(
                f"{where}: expected numbers, found one of {len(hex(value)) - 2} hexadecimal digits; correct it"
            )
        if isinstance(value, dict):
            inside = [*value.keys(), *value.values()]
        elif isinstance(value, (list, tuple, set, frozenset)):
            inside = list(value)
        else:
            continue
        left -= len(inside)
        if depth >= DEPTH_LIMIT or left < 0:
            what = (
                f"settings nested at most {DEPTH_LIMIT} deep"
                if depth >= DEPTH_LIMIT
                else f"at most {VALUES_LIMIT} values"
            )
            raise SwapError(f"{where}: expected {what}, found more; write them out without & and *, or leave some out")
        todo += [(one, depth + 1) for one in inside]


def finite(data: Any, where: str) -> None:
    """Raise SwapError at the first number that is not finite; `where` is what it begins with."""
    if isinstance(data, float) and not math.isfinite(data):
        raise SwapError(f"{where}: expected a finite number, got {data}")
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        finite(value, f"{where}.{key}")
