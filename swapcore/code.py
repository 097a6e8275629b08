"""What code a stage runs, as a digest: a stage is outdated when its code changed, not when a comment did."""

from __future__ import annotations

import ast
import functools
import hashlib
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
SUFFIXES = {".py", ".html", ".css", ".js"}
# settings reach a stage as its params; errors, progress and reading ahead change no result
WITHOUT_RESULT = {"config", "errors", "progress", "ahead", "code"}


def digest(script: str | Path) -> str:
    """Digest (16 hexadecimal digits) of a script and of all of `swapcore` that it imports, directly or not.

    Modules beside the script that it imports count with it, but for `common`, which only takes its options. Comments,
    docstrings and layout do not count. A package counts as a whole, with the pages, styles and scripts in it.
    """
    scripts = [Path(script)]
    for one in scripts:
        beside = [one.with_name(f"{name}.py") for name in sorted(_parse(one)[2])]
        scripts += [other for other in beside if other.is_file() and other not in scripts]
    todo, seen = set().union(*(_parse(one)[1] for one in scripts)), set()
    while todo - seen:
        unit = min(todo - seen)
        seen.add(unit)
        for file in _files(unit):
            todo |= set(_parse(file)[1])
    total = hashlib.sha256("".join(_parse(one)[0] for one in scripts).encode())
    for unit in sorted(seen):
        for file in _files(unit):
            total.update(f"{file.relative_to(PACKAGE)}:{_parse(file)[0]}".encode())
    return total.hexdigest()[:16]


def _files(unit: str) -> list[Path]:
    module = PACKAGE / f"{unit}.py"
    package = (part for part in (PACKAGE / unit).rglob("*.*") if part.suffix in SUFFIXES)
    parts = [module] if module.is_file() else sorted(package)
    return [part for part in parts if part.name != "__main__.py"]  # a command for people: no stage imports it


@functools.cache
def _parse(file: Path) -> tuple[str, frozenset[str], frozenset[str]]:
    """Digest of a file's statements, the units of swapcore that it imports, and what it imports by a plain name."""
    if file.suffix != ".py":
        return hashlib.sha256(file.read_bytes()).hexdigest(), frozenset(), frozenset()
    tree = ast.parse(file.read_bytes())
    units: set[str] = set()
    plain: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "swapcore":
            units |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("swapcore."):
            units.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            units |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("swapcore.")}
            plain |= {alias.name for alias in node.names} - {"common"}
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:] or [ast.Pass()]
    text = ast.unparse(tree)
    imported = frozenset(unit for unit in units - WITHOUT_RESULT if _files(unit))
    return hashlib.sha256(text.encode()).hexdigest(), imported, frozenset(plain)
