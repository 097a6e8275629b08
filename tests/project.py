"""A real project in a folder: the real workflow, the real scripts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def write(folder: Path, config: dict[str, Any], clips: list[tuple[str, str, Path | str]]) -> None:
    """Write config/config.yaml (JSON is YAML) and config/clips.tsv."""
    (folder / "config").mkdir(parents=True, exist_ok=True)
    (folder / "config/config.yaml").write_text(json.dumps({"clips": "config/clips.tsv", **config}))
    rows = ["name\tperson\tpath", *("\t".join(map(str, row)) for row in clips)]
    (folder / "config/clips.tsv").write_text("\n".join(rows) + "\n")


def snakemake(folder: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
    """Run the workflow there, on two cores."""
    environment = {k: v for k, v in os.environ.items() if k != "SNAKEMAKE_PROFILE"}
    command = [sys.executable, "-m", "snakemake", "-s", ROOT / "Snakefile", "--directory", folder, "--cores", "2"]
    done = subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True)
    if check and done.returncode:
        raise AssertionError(f"snakemake failed\n{done.stdout[-2000:]}\n{done.stderr[-6000:]}")
    return done


def packets(path: Path, kind: str) -> list[tuple[int, bytes]]:
    """(pts, payload) of a file's video or audio packets, in order of presentation."""
    import av

    with av.open(str(path)) as container:
        streams = getattr(container.streams, kind)
        found = [(p.pts, bytes(p)) for p in container.demux(streams) if p.pts is not None] if streams else []
    return sorted(found)
