"""Nothing that reads a file can run code from it, write where it names a place, or follow it to another file."""

from __future__ import annotations

import ast
import io
import struct
import zipfile

import cv2
import numpy as np
import pytest
from fuzz_inputs import large
from fuzzing import peak, read_archive, read_masks, some_pictures, zipped
from onnx import TensorProto, helper

from swapcore import config, edits, nets, store
from swapcore.errors import SwapError
from swapcore.store import sizes

FOLDERS = ("swapcore", "scripts", "benchmarks", "recipes")
# modules that make objects, and so run code, from bytes; or read formats in which a file can name others
MODULES = {
    *(
        "pickle",
        "cPickle",
        "_pickle",
        "dill",
        "cloudpickle",
        "joblib",
        "shelve",
        "marshal",
        "torch",
        "pandas",
        "tarfile",
    ),
    *("xml.etree", "xml.dom", "xml.sax.expatreader", "lxml", "code", "codeop", "imp", "runpy"),
}
BUILTINS = {"eval", "exec", "compile", "__import__", "execfile"}
# attributes, whatever they are called on
CALLS = {
    *(
        "load_model",
        "load_weights",
        "model_from_json",
        "model_from_config",
        "saved_model",
        "from_config",
        "get_custom_objects",
    ),
    *(
        "extract",
        "extractall",
        "unpack_archive",
        "read_pickle",
        "fromregex",
        "genfromtxt",
        "loadtxt",
        "system",
        "popen",
    ),
    *(
        "unsafe_load",
        "full_load",
        "load_all",
        "unsafe_load_all",
        "imread",
        "imreadmulti",
        "FileStorage",
        "VideoCapture",
    ),
}
SAFE_YAML = {
    "safe_load",
    "safe_dump",
    "BaseLoader",
    "YAMLError",
    "Node",
    "SequenceNode",
    "MappingNode",
    "CollectionNode",
}
# the one place for what has to be looked at before it is decoded
PLACES = {
    "imdecode": {
        "swapcore/store/rows.py",
        "swapcore/store/masks.py",
        "swapcore/store/images.py",
        "swapcore/studio/rendering.py",
    },
    "InferenceSession": {"swapcore/nets/graph.py"},
    "ParquetFile": {"swapcore/store/tables.py"},
    "ZipFile": {"swapcore/store/archives.py", "swapcore/store/masks.py"},
    "File": {"swapcore/models/__init__.py", "swapcore/train/checkpoint.py"},  # of h5py
    "readNetFromONNX": {"swapcore/detect/detectors.py"},
}


def unsafe(tree, place):
    """What of a module's tree is not allowed there, a line each."""
    for node in ast.walk(tree):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += (
            [f"{node.module}", *(f"{node.module}.{a.name}" for a in node.names)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
        yield from (f"imports {n}" for n in names if any(n == m or n.startswith(f"{m}.") for m in MODULES))
        if isinstance(node, ast.Attribute):
            yield from unsafe_attribute(node, place)
        if isinstance(node, ast.Call):
            yield from unsafe_call(node)


def unsafe_attribute(node, place):
    of = node.value.id if isinstance(node.value, ast.Name) else ""
    if of == "yaml" and node.attr not in SAFE_YAML:
        yield f"yaml.{node.attr}"
    ours = (of, node.attr) == ("extract", "extract") or (node.attr == "system" and of != "os")  # faces; processor time
    if node.attr in CALLS and not ours:
        yield node.attr
    if place.startswith(("swapcore", "scripts")) and place not in PLACES.get(node.attr, {place}):
        yield f"{node.attr} outside {PLACES[node.attr]}"


def unsafe_call(node):
    given = {keyword.arg: keyword.value for keyword in node.keywords}
    if isinstance(node.func, ast.Name) and node.func.id in BUILTINS:
        yield f"{node.func.id}()"
    if given.get("shell") is not None and getattr(given["shell"], "value", True) is not False:
        yield "shell="
    pickled = given.get("allow_pickle")
    if pickled is not None and getattr(pickled, "value", True) is not False:
        yield "allow_pickle"
    of = node.func.value if isinstance(node.func, ast.Attribute) else None
    if isinstance(of, ast.Name) and of.id in ("np", "numpy") and node.func.attr == "load" and pickled is None:
        yield "np.load without allow_pickle=False"
    if isinstance(of, ast.Name) and of.id == "onnx" and node.func.attr.startswith("load"):
        yield "onnx.load"


def test_no_module_can_run_what_it_reads(root):
    found = {}
    for folder in FOLDERS:
        for file in sorted((root / folder).rglob("*.py")):
            place = file.relative_to(root).as_posix()
            if lines := list(unsafe(ast.parse(file.read_bytes()), place)):
                found[place] = lines
    assert found == {}


@pytest.mark.parametrize("place", ["Snakefile", "workflow"])
def test_no_rule_can_either(root, place):
    """Snakemake's language is no Python, so these are read as words."""
    files = [root / place] if (root / place).is_file() else [*(root / place).rglob("*.smk"), root / place / "Snakefile"]
    for file in files:
        words = file.read_text().replace("(", " ").split()
        assert not {*BUILTINS, "import pickle", "yaml.load"} & set(words), file


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from joblib import load",
        "import xml.etree.ElementTree as ET",
        "eval(text)",
        "def f():\n    exec(code)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "f(allow_pickle=choice)",
        "yaml.load(text, Loader=yaml.SafeLoader)",
        "keras.models.load_model(path)",
        "model.load_weights(path)",
        "archive.extractall(folder)",
        "subprocess.run(line, shell=True)",
        "os.system(line)",
        "cv2.imread(path)",
        "cv2.imdecode(data, 1)",
        "onnxruntime.InferenceSession(path)",
        "onnx.load(path)",
    ],
)
def test_what_is_unsafe_is_seen(line):
    assert list(unsafe(ast.parse(line), "swapcore/new.py"))


# sizes that are announced, and what they would take


@pytest.mark.parametrize("which", [0, 1, 3, 4, 5, 6, 7, 8])  # WebP has 14 bits for a side: never too large
def test_a_picture_that_says_it_is_huge_is_not_decoded(which, tmp_path):
    path = tmp_path / "x.png"
    path.write_bytes(large(which, (60_000, 60_001)))
    said = r"at most 268 megapixels and 65536 a side, .* 60000x60001; make"
    with peak() as taken, pytest.raises(SwapError, match=said):
        store.read_picture(path)
    assert taken[0] < 32 << 20


@pytest.mark.parametrize("which", range(9))
def test_sizes_are_those_that_opencv_finds(which):
    data = some_pictures()[which]
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert sizes.announced(data) == image.shape[1::-1]
    assert sizes.announced(data[:20]) is None


def test_a_file_beyond_all_measure_is_not_read(tmp_path):
    path = tmp_path / "x.png"
    with open(path, "wb") as file:
        file.truncate(3 << 30)  # takes no room on the disk
    for read in (store.read_picture, store.read_json, store.read_text):
        with peak() as taken, pytest.raises(SwapError, match=r"at most \d+ MiB, found 3072 MiB"):
            read(path)
        assert taken[0] < 32 << 20


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_that_unpacks_to_more_than_it_says_takes_no_memory(method, tmp_path):
    """`zipfile` unpacks all that it is asked for, and only then cuts it to what was announced."""
    face = store.PNG_SIGNATURE + bytes(200 << 20)
    data = bytearray(zipped([("000001_0.png", face)], method))
    at = data.index(b"PK\1\2")
    data[at + 24 : at + 28] = struct.pack("<I", 3 << 20)
    (tmp_path / "masks.zip").write_bytes(data)
    for read in (read_masks, read_archive):
        with peak() as taken, pytest.raises(SwapError, match="000001_0"):
            read(tmp_path / "masks.zip")
        assert taken[0] < 16 << 20


PAIRS = zip("abcdefgh", "bcdefghi", strict=True)
LAUGHS = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in PAIRS)


@pytest.mark.parametrize("text", [LAUGHS, "people: &a {x: *a}\n"])
def test_yaml_that_means_more_than_it_says_is_refused(text):
    with pytest.raises(SwapError, match=r"^config: expected .*, found more; write them out"):
        config.read_yaml(text, where="config")
    text = text.replace("a:", "reject:", 1).replace("people:", "keep:")
    with pytest.raises(SwapError, match="stands in two places"):
        edits.read(text, where="x.yaml")


def test_a_configuration_cannot_ask_for_programs():
    """Snakemake reads YAML through yte, which runs Python that stands in a file where the file asks for it."""
    with pytest.raises(SwapError, match=r"__use_yte__, by which the file could run programs; take it out"):
        config.read_yaml("__use_yte__: true\npeople: ?__import__('os').getcwd()\n", where="config")


def outside(where):
    """A network whose weights lie in another file."""
    weights = TensorProto(name="w", dims=[2], data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    weights.external_data.add(key="location", value="../../secret.bin")
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])
    if where == "initializer":
        nodes, given = [helper.make_node("Add", ["x", "w"], ["y"])], [weights]
    else:
        inner = helper.make_graph([helper.make_node("Constant", [], ["c"], value=weights)], "inner", [], [])
        nodes, given = [helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)], []
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])
    return helper.make_model(helper.make_graph(nodes, "g", [value], [out], given)).SerializeToString()


@pytest.mark.parametrize("where", ["initializer", "inside a branch"])
def test_a_network_that_reads_other_files_is_refused(where):
    with pytest.raises(SwapError, match=r"'w'\) that lie in another file"):
        nets.session(outside(where), threads=1)
    with pytest.raises(SwapError, match="no ONNX model"):
        nets.check(b"\xff no network")
    nets.check(outside(where), outside={"w"})  # given to the session by its name


def test_names_in_archives_lead_nowhere(tmp_path):
    """Faces are read, never extracted: a member's name is only shown."""
    path = tmp_path / "in" / "faces.zip"
    path.parent.mkdir()
    path.write_bytes(zipped([("../out.png", b"no face"), ("/etc/\x1b[2Jx.png", b"no face")]))
    with store.FaceArchive(path) as archive:
        assert archive.ids() == [] and "\x1b" not in "".join(archive.remarks)
    assert list(tmp_path.rglob("*.png")) == []
    assert zipfile.is_zipfile(io.BytesIO(path.read_bytes()))
