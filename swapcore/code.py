"""What code a stage runs, as a digest: a stage is outdated when its code changed, not when a comment did."""

from __future__ import annotations

import ast
import functools
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

PACKAGE = Path(__file__).resolve().parent
SUFFIXES = {".html", ".css", ".js", ".npz", ".onnx"}  # beside the modules of a package, and read by them
# settings reach a stage as its params; errors, progress and reading ahead change no result
WITHOUT_RESULT = {"config", "errors", "progress", "ahead", "memory", "code"}


class Parsed(NamedTuple):
    """What counts of a module."""

    digest: str  # of its statements
    names: frozenset[tuple[str, str]]  # (module of swapcore, name in it) that it uses; ("nets", "") is all of nets
    own: frozenset[str]  # what it defines itself
    plain: frozenset[str]  # what it imports by a plain name


def digests(folder: str | Path, kept: object = None) -> dict[str, Any]:
    """What `digest` says of each script in a folder: {"of": state, "digests": {script's name without suffix: digest}}.

    Reading them all takes a second or two. The state is a digest of every file that they could depend on, so what was said
    before, `kept`, comes back where its state is still the same; of anything else that is given nothing is believed.
    """
    scripts = sorted(Path(folder).glob("*.py"))
    files = [(script.name, script) for script in scripts]
    files += sorted((str(f.relative_to(PACKAGE)), f) for f in PACKAGE.rglob("*") if f.suffix in SUFFIXES | {".py"})
    state = hashlib.sha256(repr(sys.version_info).encode())  # each version writes a module's tree its own way
    for name, file in files:
        state.update(f"{name}:{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    if isinstance(kept, dict) and kept.get("of") == state.hexdigest() and _are_digests(kept.get("digests"), scripts):
        return kept
    return {"of": state.hexdigest(), "digests": {script.stem: digest(script) for script in scripts}}


def _are_digests(told: object, scripts: list[Path]) -> bool:
    """Whether it can be what was said of these scripts."""
    names = [script.stem for script in scripts]
    return isinstance(told, dict) and list(told) == names and all(isinstance(each, str) for each in told.values())


def digest(script: str | Path) -> str:
    """Digest (16 hexadecimal digits) of a script and of all modules of `swapcore` that it uses, directly or not.

    Modules beside the script that it imports count with it, but for `common`, which only takes its options. Comments,
    docstrings and layout do not count. Of a package those modules count whose names are used, with the pages, styles,
    tables and networks that lie beside them.
    """
    scripts = [Path(script)]
    for one in scripts:
        beside = [one.with_name(f"{name}.py") for name in sorted(_parse(one).plain)]
        scripts += [other for other in beside if other.is_file() and other not in scripts]
    seen: set[Path] = set()
    todo = {file for one in scripts for file in _used(_parse(one).names)}
    while todo - seen:
        file = min(todo - seen)
        seen.add(file)
        todo |= set(_used(_parse(file).names))
    total = hashlib.sha256("".join(_parse(one).digest for one in scripts).encode())
    for file in sorted(seen | _beside(seen)):
        total.update(f"{file.relative_to(PACKAGE)}:{_parse(file).digest}".encode())
    return total.hexdigest()[:16]


def _used(names: frozenset[tuple[str, str]]) -> Iterator[Path]:
    """The files that define names."""
    for module, name in names:
        yield from _defining(module, name)


@functools.cache
def _defining(module: str, name: str) -> tuple[Path, ...]:
    """The files that a name of a module stands for: those where it is defined, whatever hands it on."""
    path = PACKAGE / module.replace(".", "/")
    if module.split(".")[0] in WITHOUT_RESULT:
        return ()
    if (file := path.with_suffix(".py")).is_file():
        return (file,)
    if not (start := path / "__init__.py").is_file():
        return ()
    inside = f"{module}.{name}"
    if name and ((path / f"{name}.py").is_file() or (path / name / "__init__.py").is_file()):
        return _defining(inside, "")
    parsed = _parse(start)
    handed_on = [pair for pair in parsed.names if pair[1] == name]
    if name and name not in parsed.own and handed_on:
        return tuple(file for pair in handed_on for file in _defining(*pair))
    if name in parsed.own:
        return (start,)
    # the package itself, as a value: whatever is in it, but for a command for people, which no stage imports
    return tuple(part for part in sorted(path.rglob("*.py")) if part.name != "__main__.py")


def _beside(files: set[Path]) -> set[Path]:
    """What lies beside modules of packages and is no module."""
    folders = {file.parent for file in files} - {PACKAGE}
    return {part for folder in folders for part in folder.iterdir() if part.suffix in SUFFIXES}


@functools.cache
def _parse(file: Path) -> Parsed:
    if file.suffix != ".py":
        return Parsed(hashlib.sha256(file.read_bytes()).hexdigest(), frozenset(), frozenset(), frozenset())
    tree = ast.parse(file.read_bytes())
    nodes = list(ast.walk(tree))
    names, plain = _names(nodes)
    own = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        own |= {target.id for target in targets if isinstance(target, ast.Name)}
    for node in nodes:
        documented = isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        if documented and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
    text = hashlib.sha256(ast.unparse(tree).encode()).hexdigest()
    return Parsed(text, frozenset(names), frozenset(own), frozenset(plain))


def _names(nodes: list[ast.AST]) -> tuple[set[tuple[str, str]], set[str]]:
    """What a module, as all its nodes from the root on, uses of swapcore, and what it imports by a plain name."""
    names: set[tuple[str, str]] = set()
    plain: set[str] = set()
    bound: dict[str, str] = {}  # a name here -> the module it stands for
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "swapcore":
            module = ".".join(node.module.split(".")[1:])
            for alias in node.names:
                whole = f"{module}.{alias.name}".lstrip(".")
                path = PACKAGE / whole.replace(".", "/")
                if path.with_suffix(".py").is_file():
                    names.add((whole, ""))
                elif (path / "__init__.py").is_file():
                    bound[alias.asname or alias.name] = whole
                else:
                    names.add((module, alias.name))
        elif isinstance(node, ast.Import):
            names |= {(alias.name.split(".", 1)[1], "") for alias in node.names if alias.name.startswith("swapcore.")}
            plain |= {alias.name for alias in node.names} - {"common"}
    qualified = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in bound:
            names.add((bound[node.value.id], node.attr))
        elif isinstance(node, ast.Name) and node.id in bound and id(node) not in qualified:
            names.add((bound[node.id], ""))  # handed about as a whole
    return names, plain
