"""A toy project for plans: the real workflow over scripts that only touch their outputs."""

from __future__ import annotations

import ast
import copy
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

OUTPUTS = (
    "out",
    "sheet",
    "page",
    "lines",
    "json",
    "coverage",
    "weights",
    "curve",
    "quality",
    "preview",
    "provenance",
    "archive",
)
BODY = """
import sys
from pathlib import Path

stage = Path(__file__).stem
outputs = {outputs}
if stage.startswith("faces"):
    outputs = outputs + ("faces",)
if stage != "train":  # to others the weights are an input
    outputs = tuple(name for name in outputs if name != "weights")
names = sys.argv[1:]
if Path(f"fail_{{stage}}").exists():
    sys.exit(f"{{stage}}: told to fail")
for flag, value in zip(names, names[1:]):
    if flag == "--folder":
        Path(value).mkdir(parents=True)
        (Path(value) / "passes.json").write_text("made from " + " ".join(names))
    if flag.removeprefix("--") in outputs:
        Path(value).parent.mkdir(parents=True, exist_ok=True)
        Path(value).write_text("made from " + " ".join(names))
"""

CONFIG = {
    "clips": "config/clips.tsv",
    "people": {
        "ann": {"references": ["photos/ann"], "consent": {"basis": "synthetic"}},
        "bob": {"references": ["photos/bob"], "consent": {"basis": "synthetic"}},
        "cy": {"consent": {"basis": "synthetic"}},
    },
    "swaps": [
        {"name": "ann_onto_bob", "source": "ann", "target": "bob"},
        {"name": "cy_onto_bob", "source": "cy", "target": "bob"},
    ],
}
CLIPS = {"a1": "ann", "a2": "ann", "b1": "bob", "c1": "cy"}
# its whole plan: two people with photos, one known from a clip alone; four clips, two swaps, both onto b1
FRESH = {
    "frames": 4,
    "faces": 4,
    "references": 3,
    "known": 1,
    "identify": 4,
    "groups": 4,
    "parse": 1,
    "sort": 3,
    "clean": 3,
    "dataset": 3,
    "advise": 2,
    "train": 2,
    "forehead": 2,
    "convert": 2,
    "label": 2,
    "verify": 2,
    "measure": 2,
    "report": 2,
}
VIDEOS = {"forehead": 2, "convert": 2, "label": 2, "verify": 2, "measure": 2, "report": 2}
FROM_CONVERT = {stage: count for stage, count in VIDEOS.items() if stage != "forehead"}
ONE_VIDEO = {"forehead": 1, "convert": 1, "label": 1, "verify": 1, "measure": 1, "report": 1}


class Toy:
    """The project in a folder, and what Snakemake would do there."""

    def __init__(self, folder: Path, root: Path):
        self.folder = folder
        for name in ("Snakefile", "environment.yml"):
            shutil.copy(root / name, folder / name)
        shutil.copytree(root / "workflow", folder / "workflow")
        shutil.copytree(root / "swapcore", folder / "swapcore", ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "scripts").mkdir()
        for script in (root / "scripts").glob("*.py"):
            (folder / "scripts" / script.name).write_text(self._fake(script))
        self.config = json.loads(json.dumps(CONFIG))
        self.clips = dict(CLIPS)
        self.paths = {}  # of clips that are not film/{name}.mp4
        for name in ("ann", "bob"):
            self.write(f"photos/{name}/1.jpg", name)
        for name in self.clips:
            self.write(f"film/{name}.mp4", name)
        self.save()

    @staticmethod
    def _fake(script: Path) -> str:
        """The real script's code where nothing runs it, so that its digest follows the same modules; nothing of its work."""
        tree = ast.parse(script.read_bytes())
        future = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
        work = [ast.Pass(), *(node for node in tree.body[1:-1] if node not in future)]
        never = ast.If(ast.Constant(False), work, [])
        return ast.unparse(ast.fix_missing_locations(ast.Module([never], []))) + "\n" + BODY.format(outputs=OUTPUTS)

    def copy(self, folder: Path) -> Toy:
        """The same project with all that was made of it, elsewhere."""
        shutil.copytree(self.folder, folder, symlinks=True)
        other = copy.deepcopy(self)
        other.folder = folder
        return other

    def write(self, path: str, text: str) -> None:
        """Write a file of the user's."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def save(self) -> None:
        """Write config.yaml (JSON is YAML) and clips.tsv."""
        self.write("config/config.yaml", json.dumps(self.config))
        rows = [f"{name}\t{people}\t{self.paths.get(name, f'film/{name}.mp4')}" for name, people in self.clips.items()]
        self.write("config/clips.tsv", "\n".join(["name\tperson\tpath", *rows]) + "\n")

    def snakemake(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
        """Run Snakemake here, without any profile."""
        environment = {k: v for k, v in os.environ.items() if k not in ("SNAKEMAKE_PROFILE", "PYTHONPATH")}
        command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)
        if check and done.returncode:
            raise AssertionError(done.stdout[-3000:] + done.stderr[-3000:])
        return done

    def make(self) -> None:
        """Bring everything up to date."""
        self.snakemake("--quiet", "all")

    def plan(self, *arguments: str) -> dict[str, int]:
        """Jobs per rule that a dry run names."""
        return planned(self.snakemake("--dry-run", *arguments))


def planned(done: subprocess.CompletedProcess) -> dict[str, int]:
    """Jobs per rule that a run named before it began; `all` and `default` are left out."""
    text = done.stdout + done.stderr
    if "Nothing to be done" in text:
        return {}
    table = text[text.index("Job stats:") :].split("\n\n")[0]
    counts = {m[1]: int(m[2]) for m in re.finditer(r"^(\w+)\s+(\d+)$", table, re.M)}
    return {rule: n for rule, n in counts.items() if rule not in ("all", "default", "total")}
