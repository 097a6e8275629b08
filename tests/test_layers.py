"""The rules of the house: who may import whom, who may touch the disk."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

# a module imports only modules above it; models, losses and train may import one another
ORDER = [
    "errors",
    "types",
    "config",
    "progress",
    "ahead",
    "memory",
    "code",
    "distances",
    "store",
    "video",
    "nets",
    "align",
    "detect",
    "quality",
    "embedding",
    "identify",
    "extract",
    "edits",
    "looks",
    "sort",
    "clean",
    "parsing",
    "masks",
    "forehead",
    "colour",
    "light",
    "blend",
    "finish",
    "restore",
    "overlay",
    "convert",
    "measure",
    "shots",
    "dataset",
    "advice",
    "models",
    "features",
    "losses",
    "train",
    "label",
    "report",
    "passes",
    "views",
    "page",
    "pages",
    "studio",
]
TOGETHER = {"models", "features", "losses", "train"}
FREE = {"errors", "types", "config"}  # the standard library, numpy, pydantic, yaml
TENSORS = {"tensorflow", "keras", "jax"}
DISK = {
    "store",
    "video",
    "label",
    "code",
    "train/checkpoint",
    "train/batches",
    "train/events",
    "train/monitor",
    "train/run",
    "train/results",
}


def modules(root):
    for file in sorted((root / "swapcore").rglob("*.py")):
        unit = file.relative_to(root / "swapcore").with_suffix("").as_posix().removesuffix("/__init__")
        yield unit, ast.parse(file.read_bytes())


def imports(tree, *, at_import=False):
    """Names of the modules imported; `at_import`: only those outside functions."""
    todo = list(tree.body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.module == "swapcore":
                yield from (f"swapcore.{alias.name}" for alias in node.names)
            else:
                yield node.module or ""
        elif at_import and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        todo += list(ast.iter_child_nodes(node))


def test_every_module_stands_in_the_order(root):
    assert {unit.split("/")[0] for unit, _ in modules(root)} - {"__init__"} - {"swapcore"} <= {*ORDER, ".", ""}


def test_modules_import_only_modules_above_them(root):
    wrong = []
    for unit, tree in modules(root):
        top = unit.split("/")[0]
        for name in imports(tree):
            if not name.startswith("swapcore."):
                continue
            other = name.split(".")[1]
            if other in ("__version__", top) or {top, other} <= TOGETHER:
                continue
            if top not in ORDER or ORDER.index(other) > ORDER.index(top):
                wrong.append(f"{unit} imports {other}")
    assert not wrong


def test_the_lowest_modules_need_little(root):
    allowed = {"numpy", "pydantic", "yaml", "swapcore", "__future__", *sys.stdlib_module_names}
    wrong = [
        f"{unit} imports {name}"
        for unit, tree in modules(root)
        if unit.split("/")[0] in FREE
        for name in imports(tree)
        if name.split(".")[0] not in allowed
    ]
    assert not wrong


def test_tensors_are_imported_where_they_are_used_and_late(root):
    wrong = []
    for unit, tree in modules(root):
        if unit.split("/")[0] not in TOGETHER and any(n.split(".")[0] in TENSORS for n in imports(tree)):
            wrong.append(f"{unit} imports a tensor library")
        if any(n.split(".")[0] == "snakemake" for n in imports(tree)):
            wrong.append(f"{unit} imports snakemake")
        if any(n.split(".")[0] == "scripts" for n in imports(tree)):
            wrong.append(f"{unit} imports a script")
    assert not wrong


def test_importing_the_library_is_quick(root):
    heavy = ["tensorflow", "keras", "cv2", "dlib", "onnxruntime", "matplotlib", "numba", "av"]
    line = f"import sys, swapcore, swapcore.config, swapcore.code; print([n for n in {heavy} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", line], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def writes(tree):
    """Calls that write files by name."""
    names = {"write_text", "write_bytes", "unlink", "mkdir", "rename", "imwrite", "savefig", "rmtree", "savez"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in names or name == "open":
                yield f"{name} in line {node.lineno}"


def test_only_some_modules_touch_the_disk(root):
    wrong = []
    for unit, tree in modules(root):
        if unit in DISK or unit.split("/")[0] in {"video", "store", "label"}:
            continue
        wrong += [f"{unit}: {call}" for call in writes(tree)]
    assert not wrong


@pytest.mark.parametrize("limit", [400])
def test_modules_are_small(root, limit):
    files = [*(root / "swapcore").rglob("*.py"), *(root / "scripts").glob("*.py")]
    long = [f"{f.relative_to(root)} {n}" for f in files if (n := len(f.read_text().splitlines())) > limit]
    assert not long
