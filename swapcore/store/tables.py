"""Tables as parquet: the same content gives the same bytes; what is read is checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from swapcore.errors import SwapError
from swapcore.store.files import atomic
from swapcore.types import Table

VERSION = 1  # of the tables
ROWS_LIMIT = 4_000_000  # a face in every frame of 44 hours; each takes about 2 kB of memory
# what Arrow and numpy raise for damaged and foreign files
DAMAGE = (OSError, EOFError, LookupError, ValueError, TypeError, ArithmeticError, MemoryError, RecursionError)

T = TypeVar("T", bound=Table)


def write_table(path: str | Path, table: Table, meta: dict[str, Any] | None = None) -> None:
    """Write a table as parquet; `meta` is any JSON that belongs to the whole of it. The same content gives the same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays, schema = [], []
    for name, value in table.columns().items():
        if value.dtype == object:
            array = _texts(value.tolist())
        else:
            array = _array(np.ascontiguousarray(value).reshape(-1))
            for size in reversed(value.shape[1:]):
                array = pa.FixedSizeListArray.from_arrays(array, size)
        arrays.append(array)
        schema.append(pa.field(name, array.type))
    head = {"kind": table.KIND, "version": VERSION, "meta": meta or {}}
    metadata = {"swapcore": json.dumps(head, sort_keys=True, allow_nan=False)}
    with atomic(path) as temporary:
        pq.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(schema, metadata)), temporary, compression="zstd")


def read_table(path: str | Path, kind: type[T]) -> tuple[T, dict[str, Any]]:
    """Read a table written by `write_table`, and its meta. Raises SwapError where it is damaged, of another kind or too long.

    Its head is looked at before its columns are read, and only those that the kind has, in the form in which they are written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    remedy = "delete it and run snakemake again"
    try:
        with pq.ParquetFile(path, memory_map=False) as file:  # read_table would load pandas: a quarter of a second
            head = _head(file, kind)
            found = file.read(columns=list(kind.empty().columns()))
        if (head["kind"], head["version"]) != (kind.KIND, VERSION):
            raise SwapError(
                f"{path}: expected {kind.KIND}, version {VERSION}, found {head['kind']}, version {head['version']}; {remedy}"
            )
        columns = {}
        for name, empty in kind.empty().columns().items():
            array = found.column(name).combine_chunks()
            array.validate(full=True)  # what is wrong inside would be read as if it were right
            if empty.dtype == object:
                columns[name] = np.array([v if v is not None else "" for v in array.to_pylist()], object)
                continue
            for _ in empty.shape[1:]:
                array = array.flatten()
            columns[name] = _values(array).astype(empty.dtype).reshape(len(found), *empty.shape[1:])
        return kind(**columns), head["meta"]
    except SwapError:
        raise
    except (*DAMAGE, pa.ArrowException) as error:
        raise SwapError(
            f"{path}: expected a table of {kind.KIND}, but it is damaged or foreign ({error}); {remedy}"
        ) from None


def _head(file: Any, kind: type[Table]) -> dict[str, Any]:
    """What a parquet file says of the whole table: kind, version, meta. Raises one of DAMAGE where its form is not ours."""
    if file.metadata.num_rows > ROWS_LIMIT:
        raise ValueError(f"{file.metadata.num_rows} rows, at most {ROWS_LIMIT} are read")
    schema = file.schema_arrow
    head = json.loads((schema.metadata or {})[b"swapcore"])
    if not isinstance(head, dict) or not isinstance(head["meta"], dict):
        raise ValueError("its head is no JSON object")
    if (head["kind"], head["version"]) == (kind.KIND, VERSION):
        for name, empty in kind.empty().columns().items():
            if schema.field(name).type != (wanted := _type(empty)):
                raise ValueError(f"column {name} is {schema.field(name).type}, not {wanted}")
    return head


def _type(column: np.ndarray) -> Any:
    """How a column of a table is written."""
    import pyarrow as pa

    if column.dtype == object:
        return pa.string()
    found = pa.from_numpy_dtype(column.dtype)
    for size in reversed(column.shape[1:]):
        found = pa.list_(found, size)
    return found


def _texts(values: list[str]) -> Any:
    """Texts as an Arrow array, "" as missing."""
    import pyarrow as pa

    encoded = [value.encode() for value in values]
    sizes = np.array([len(text) for text in encoded], np.int64)
    there = pa.py_buffer(np.packbits(sizes > 0, bitorder="little"))
    ends = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded)), there)


def _array(values: np.ndarray) -> Any:
    """Plain numbers (n,) as an Arrow array over their own bytes; `pa.array` would load pandas to see whether they are its."""
    import pyarrow as pa

    if values.dtype == bool:
        return pa.Array.from_buffers(
            pa.bool_(), len(values), [None, pa.py_buffer(np.packbits(values, bitorder="little"))]
        )
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, pa.py_buffer(values)])


def _values(array: Any) -> np.ndarray:
    """The reverse of `_array`; an array's own `to_numpy` would load pandas too. Raises ValueError where values are missing."""
    import pyarrow as pa

    if array.null_count:
        raise ValueError(f"{array.null_count} values are missing")
    data = array.buffers()[1]
    data = data if data is not None else b""
    if pa.types.is_boolean(array.type):
        bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
        return bits[array.offset : array.offset + len(array)]
    dtype = np.dtype(array.type.to_pandas_dtype())
    return np.frombuffer(data, dtype, len(array), array.offset * dtype.itemsize)
