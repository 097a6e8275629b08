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

T = TypeVar("T", bound=Table)


def write_table(path: str | Path, table: Table, meta: dict[str, Any] | None = None) -> None:
    """Write a table as parquet; `meta` is any JSON that belongs to the whole of it. The same content gives the same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays, schema = [], []
    for name, value in table.columns().items():
        if value.dtype == object:
            array = pa.array([v if v != "" else None for v in value.tolist()], pa.string())
        else:
            array = pa.array(np.ascontiguousarray(value).reshape(-1))
            for size in reversed(value.shape[1:]):
                array = pa.FixedSizeListArray.from_arrays(array, size)
        arrays.append(array)
        schema.append(pa.field(name, array.type))
    head = {"kind": table.KIND, "version": VERSION, "meta": meta or {}}
    metadata = {"swapcore": json.dumps(head, sort_keys=True, allow_nan=False)}
    with atomic(path) as temporary:
        pq.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(schema, metadata)), temporary, compression="zstd")


def read_table(path: str | Path, kind: type[T]) -> tuple[T, dict[str, Any]]:
    """Read a table written by `write_table`, and its meta. Raises SwapError where it is damaged or of another kind."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    remedy = "delete it and run snakemake again"
    try:
        found = pq.read_table(path, memory_map=False)
        head = json.loads((found.schema.metadata or {})[b"swapcore"])
        if (head["kind"], head["version"]) != (kind.KIND, VERSION):
            raise SwapError(
                f"{path}: expected {kind.KIND}, version {VERSION}, found {head['kind']}, version {head['version']}; {remedy}"
            )
        columns = {}
        for name, empty in kind.empty().columns().items():
            array = found.column(name).combine_chunks()
            if empty.dtype == object:
                columns[name] = np.array([v if v is not None else "" for v in array.to_pylist()], object)
                continue
            for _ in empty.shape[1:]:
                array = array.flatten()
            columns[name] = (
                array.to_numpy(zero_copy_only=False).astype(empty.dtype).reshape(len(found), *empty.shape[1:])
            )
        return kind(**columns), head["meta"]
    except SwapError:
        raise
    except (OSError, KeyError, ValueError, TypeError, pa.ArrowException) as error:
        raise SwapError(
            f"{path}: expected a table of {kind.KIND}, but it is damaged or foreign ({error}); {remedy}"
        ) from None
