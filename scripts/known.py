"""What is known of everybody, in one file: known.parquet."""

from __future__ import annotations

from common import arguments, run

from swapcore import store
from swapcore.types import KnownTable, References


def main(args):
    """One table after the other, each row with its person."""
    found = [store.read_table(path, References)[0].embedding for path in args.references]
    store.write_table(args.out, KnownTable.of(dict(zip(args.people, found, strict=True))))


if __name__ == "__main__":
    run(
        main,
        arguments(
            __doc__,
            people="texts: everybody known, in the order of the references",
            references="files: their references.parquet",
            out="file: known.parquet",
        ),
    )
