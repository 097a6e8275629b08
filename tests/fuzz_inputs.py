"""Inputs for test_fuzz.py: files of fuzzing.py damaged, and made wrong with check sums that are right."""

from __future__ import annotations

import functools
import io
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from fuzzing import (
    CLIPS,
    CONFIG_YAML,
    EDITS,
    JSON,
    KINDS,
    METHODS,
    VALID,
    grey,
    some_pictures,
    some_tables,
    written,
    zipped,
)
from hypothesis import strategies as st
from pngs import SIDE, chunk, row

from swapcore import config

NUMBERS = (0, 1, 2, 7, 255, 2**15, 2**16 - 1, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**48, 2**63 - 1, 2**64 - 1)
SCALE = 1 << 16


def _number(data: bytearray, at: int, value: int, form: str) -> None:
    raw = struct.pack(form, value & ((1 << 8 * struct.calcsize(form)) - 1))
    data[at : at + len(raw)] = raw


OPERATIONS: tuple[Callable[[bytearray, int, int, int], Any], ...] = (
    lambda data, at, a, b: data.__setitem__(slice(at, at + 1), bytes([a % 256])),
    lambda data, at, a, b: data.__setitem__(slice(at, at + 1), bytes([(*data[at : at + 1], 0)[0] ^ 1 << a % 8])),
    lambda data, at, a, b: data.__delitem__(slice(at, at + a % 64)),
    lambda data, at, a, b: data.__delitem__(slice(at, None)),
    lambda data, at, a, b: data.__setitem__(slice(at, at), bytes([a % 256]) * (b % 300)),
    lambda data, at, a, b: data.__setitem__(slice(at, at), data[a % (len(data) + 1) :][: b % 300]),
    *(
        functools.partial(lambda data, at, a, b, form: _number(data, at, NUMBERS[a % len(NUMBERS)], form), form=form)
        for form in ("<H", ">H", "<I", ">I", "<Q", ">Q")
    ),
)


def mutate(data: bytes, damage: list[tuple[int, int, int, int]]) -> bytes:
    """Damage as (operation, place in shares of SCALE or from the end, two numbers)."""
    out = bytearray(data)
    for operation, place, a, b in damage:
        at = len(out) * place // SCALE if place >= 0 else max(len(out) + place // 64, 0)
        OPERATIONS[operation](out, at, a, b)
    return bytes(out)


def damages(least: int = 0, most: int = 6) -> st.SearchStrategy[list[tuple[int, int, int, int]]]:
    """Lists for `mutate`; as many places near the end, where zips and parquet have their directories, as anywhere."""
    small = st.integers(0, SCALE)
    one = st.tuples(st.integers(0, len(OPERATIONS) - 1), st.integers(-SCALE // 4, SCALE), small, small)
    return st.lists(one, min_size=least, max_size=most)


def mutated(valid: list[bytes]) -> st.SearchStrategy[bytes]:
    """One of some files, damaged or not."""
    return st.builds(mutate, st.sampled_from(valid), damages())


def spoilt(valid: list[bytes], *made: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Mutations, what was `made`, random bytes, and random bytes that begin as the files do."""
    random = st.binary(max_size=600)
    begun = st.builds(lambda data, size, more: data[:size] + more, st.sampled_from(valid), st.integers(1, 40), random)
    return st.one_of(mutated(valid), mutated(valid), *made, random, begun)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def _png(text: bytes, flag: int, size_wh: tuple[int, int], depth: int) -> bytes:
    """A face's PNG whose check sums are right, of a text, packed where the flag is 1, and a header."""
    if flag == 1:
        text = zlib.compress(text)
    plain = cv2.imencode(".png", np.zeros((SIDE, SIDE, 3), np.uint8))[1].tobytes()
    header = chunk(b"IHDR", struct.pack(">II5B", *size_wh, depth, 2, 0, 0, 0))
    body = b"swapcore face\0" + bytes([flag, 0]) + b"\0\0" + text
    return plain[:8] + header + chunk(b"iTXt", body) + plain[33:]


def faces() -> st.SearchStrategy[bytes]:
    """Of face PNGs: rows with a value that is anything, or damaged as text; headers of any size."""
    good = json.loads(row().model_dump_json())
    anything = st.builds(
        lambda key, value: json.dumps({**good, key: value}).encode(), st.sampled_from(list(good)), JSON_VALUES
    )
    texts = anything | mutated([row().model_dump_json().encode()])
    sides = st.sampled_from([SIDE, SIDE, SIDE, 0, 1, 1024, 1025, 2**20, 2**31 - 1, 2**32 - 1])
    made = st.builds(_png, texts, st.integers(0, 2), st.tuples(sides, sides), st.sampled_from([8, 8, 16, 1]))
    return spoilt(VALID["face PNG"](), made)


def _zip(members: list[tuple[str, bytes]], method: int, sizes: list[tuple[int, int, int]]) -> bytes:
    """A zip that says sizes of its members which are not theirs."""
    data = bytearray(zipped(members, method))
    for which, place, number in sizes:
        at = -1
        for _ in range(which + 1):
            at = data.find(b"PK\1\2", at + 1)
        if at >= 0:  # packed, unpacked, name's length, where its head is
            _number(data, at + (20, 24, 28, 42)[place], NUMBERS[number], "<I")
    return bytes(data)


def _zips(valid: list[bytes], parts: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    names = st.sampled_from(["000001_0.png", "../../x.png", "/etc/x.png", "", "a\0b", "C:\\x.png", "ü/\n.png"])
    names |= st.text(max_size=9)
    members = st.lists(st.tuples(names, parts), max_size=4)
    sizes = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, len(NUMBERS) - 1)), max_size=2)
    return spoilt(valid, st.builds(_zip, members, st.sampled_from(METHODS), sizes))


def archives() -> st.SearchStrategy[bytes]:
    """Of face archives: with any names, any members, sizes that lie."""
    return _zips(VALID["face archive"](), faces())


def mask_archives() -> st.SearchStrategy[bytes]:
    """Of mask archives."""
    return _zips(VALID["mask archive"](), mutated([grey()]) | pictures())


def _table(which: int, change: int, value: Any, text: str) -> bytes:
    """A parquet file whose form is right but for one thing."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(io.BytesIO(some_tables()[which])) as file:
        found = file.read()
    head = json.loads(found.schema.metadata[b"swapcore"])
    k = change % found.num_columns
    name = found.column_names[k]
    kind = change % 9
    if kind == 0:
        head = {**head, ("kind", "version", "meta")[change % 3]: value}
    elif kind == 1:
        head = value
    elif kind == 2:
        found = found.drop_columns([name])
    elif kind == 3:
        found = found.set_column(k, name, pa.nulls(4))
    elif kind == 4:
        found = found.set_column(k, name, pa.array([text, None, "", "x"]))
    elif kind == 5:
        found = found.set_column(k, name, pa.array([[1.0], None, [], [2.0, 3.0]]))
    elif kind == 6:
        found = found.set_column(
            k,
            name,
            pa.array([1, None, 2, 3], found.schema.field(k).type if k % 2 else pa.int8())
            if pa.types.is_primitive(found.schema.field(k).type) and not pa.types.is_boolean(found.schema.field(k).type)
            else pa.nulls(4, found.schema.field(k).type),
        )
    elif kind == 7:
        found = found.append_column(name, found.column(k))
    else:
        found = pa.concat_tables([found] * (1 + change % 40))
    out = io.BytesIO()
    pq.write_table(found.replace_schema_metadata({"swapcore": json.dumps(head)}), out, compression="zstd")
    return out.getvalue()


def tables() -> st.SearchStrategy[bytes]:
    """Of tables: columns and heads of other forms too."""
    made = st.builds(_table, st.integers(0, len(KINDS) - 1), st.integers(0, 10**4), JSON_VALUES, st.text(max_size=5))
    return spoilt(some_tables(), made)


TOKENS = [
    *(
        "reject:",
        "keep:",
        "identity:",
        "- ",
        "{",
        "}",
        "[",
        "]",
        ": ",
        ", ",
        "clip",
        "face",
        "box",
        "000012_0",
        "stunt/3",
    ),
    *(
        "people:",
        "swaps:",
        "train:",
        "convert:",
        "videos:",
        "name",
        "consent",
        "{basis: synthetic}",
        "references",
        "lead",
    ),
    *(
        "&a ",
        "*a",
        "<<: ",
        "? ",
        "!!int ",
        "!!python/object:os.system ",
        "!!binary ",
        "!!set ",
        "!!timestamp ",
        "!!float ",
    ),
    *(
        "\n",
        "\n  ",
        "\n    ",
        "\t",
        "#",
        "|",
        ">",
        "'",
        '"',
        "---",
        "...",
        "%YAML 1.1\n",
        "=",
        "~",
        "\\",
        "\u2028",
        "\0",
    ),
    *("0x" + "f" * 5000, "9" * 5000, "1e999", ".nan", "-.inf", "2026-13-45", "0o777", "1_000", "true", "off", "null"),
    *("!x ", "\ufeff", "__use_yte__: true\n"),
]


def texts(valid: str) -> st.SearchStrategy[bytes]:
    """Of texts: lines with others' tokens put in."""
    tokens = st.lists(st.sampled_from(TOKENS) | st.text(max_size=6), max_size=25).map("".join)
    inside = st.builds(lambda at, more: valid[:at] + more + valid[at:], st.integers(0, len(valid)), tokens)
    again = st.sampled_from(["[", "{a: ", "- ", "? ", "a:\n ", '"'])
    deep = st.builds(lambda token, times: token * times, again, st.integers(0, 3000))
    return spoilt([valid.encode()], *(one.map(encoded) for one in (tokens, inside, deep)))


def encoded(text: str) -> bytes:
    """A text in UTF-8, with what has no place there."""
    return text.encode("utf-8", "surrogatepass")


def edits() -> st.SearchStrategy[bytes]:
    """Of edits."""
    return texts(EDITS)


def configs() -> st.SearchStrategy[bytes]:
    """Of configurations; also with a value that is anything, anywhere at the top."""
    keys = st.sampled_from(["people", "swaps", "videos", "also", "state", *config.SECTIONS])
    whole = config.read_yaml(CONFIG_YAML, where="")
    made = st.builds(lambda key, value: json.dumps({**whole, key: value}, default=str).encode(), keys, JSON_VALUES)
    return texts(CONFIG_YAML) | made


def clips() -> st.SearchStrategy[bytes]:
    """Of tables of clips."""
    cell = st.sampled_from(
        ["name", "person", "path", "start", "?", "lead", "lead,double", "-1", "1e999", "24000/1001", "0/0"]
    )
    line = st.lists(cell | st.text(max_size=6), max_size=7).map("\t".join)
    made = st.lists(line, max_size=5).map(lambda lines: "\n".join(["name\tperson\tpath\tstart\tend\trate", *lines]))
    return texts(CLIPS) | made.map(encoded)


def jsons() -> st.SearchStrategy[bytes]:
    """Of JSON, also nested beyond reason."""
    deep = st.builds(
        lambda token, times: token * times, st.sampled_from([b"[", b'{"a":', b"[[],"]), st.integers(0, 200_000)
    )
    return spoilt([JSON], deep, JSON_VALUES.map(lambda value: json.dumps(value).encode()))


def _hdf5(kind: int, shape: tuple[int, ...]) -> bytes:
    """An HDF5 file with a dataset that is not as we write them."""
    import h5py

    def write(path: Path) -> None:
        with h5py.File(path, "w", libver=("earliest", "latest")[kind % 2]) as file:
            file["weights/good"] = np.ones(3, np.float32)
            if kind == 0:
                file.create_dataset("weights/bad", (10**12,), "f4", chunks=(10**6,))
            elif kind == 1:
                file.create_dataset("weights/bad", (2000, 2000), "f4", data=None, compression="gzip", fillvalue=1.0)
            elif kind == 2:
                file.create_dataset("weights/bad", (8,), "u1", external=[("/etc/hostname", 0, 8)])
            elif kind == 3:
                file["weights/bad"] = h5py.ExternalLink("/etc/passwd", "/")
            elif kind == 4:
                file["weights/bad"] = h5py.SoftLink("/weights")
            elif kind == 5:
                file.create_dataset("weights/bad", data=["text"], dtype=h5py.string_dtype())
            elif kind == 6:
                file["weights/bad"] = h5py.Empty("f4")
            elif kind == 7:
                file["weights/bad"] = np.zeros(shape, np.dtype([("a", "f4"), ("b", "i2")]))
            elif kind == 8:
                layout = h5py.VirtualLayout((8,), "u1")
                layout[:] = h5py.VirtualSource("/etc/hostname", "x", (8,))
                file.create_virtual_dataset("weights/bad", layout)
            elif kind == 9:
                file["weights/bad/again"] = file["weights"]
            elif kind == 10:
                file.create_dataset("weights/bad", shape, "f8")  # no room was taken for it
            else:
                file["weights/bad"] = np.zeros(shape, ("f2", "i8", "c8", "S3", "?")[kind % 5])

    return written(write)


def weights() -> st.SearchStrategy[bytes]:
    """Of weights."""
    shapes = st.lists(st.integers(0, 5), max_size=3).map(tuple)
    return spoilt(VALID["weights"](), st.builds(_hdf5, st.integers(0, 15), shapes))


def checkpoints() -> st.SearchStrategy[bytes]:
    """Of one of a state's files; its first letter says which."""
    arrays, words = (VALID["checkpoint"]()[k][1:] for k in (0, 1))
    deep = st.integers(0, 100_000).map(lambda times: b"j" + b"[" * times)
    return st.one_of(
        spoilt([arrays]).map(lambda data: b"h" + data),
        spoilt([words], jsons()).map(lambda data: b"j" + data),
        deep,
        st.sampled_from(VALID["checkpoint"]()),
    )


def large(which: int, sides: tuple[int, int]) -> bytes:
    """One of some_pictures that says it is of another size, where a check sum stands with it also that."""
    data = bytearray(some_pictures()[which])
    places: list[tuple[int, str]] = []  # of width and height
    if data[:4] == b"\x89PNG":
        places = [(16, ">I"), (20, ">I")]
    elif data[:2] == b"BM":
        places = [(18, "<I"), (22, "<I")]
    elif data[:2] == b"\xff\xd8":
        at = next(at for at in (data.find(b"\xff\xc0"), data.find(b"\xff\xc2")) if at > 0)
        places = [(at + 7, ">H"), (at + 5, ">H")]
    elif data[:4] == b"II*\0":
        first = struct.unpack_from("<I", data, 4)[0] + 2
        places = [(data.find(struct.pack("<H", tag), first) + 8, "<H") for tag in (256, 257)]
    for (at, form), side in zip(places, sides, strict=False):
        _number(data, at, side, form)
    if data[:4] == b"\x89PNG":
        data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


def pictures() -> st.SearchStrategy[bytes]:
    """Of pictures."""
    side = st.sampled_from([9, 14, 1, 0, 2000, 4000, 2**14, 2**16 - 1, 2**20, 2**31 - 1, 2**32 - 1])
    return spoilt(some_pictures(), st.builds(large, st.integers(0, len(some_pictures()) - 1), st.tuples(side, side)))


def networks() -> st.SearchStrategy[bytes]:
    """Of ONNX files."""
    return spoilt(VALID["parser's network"]())
