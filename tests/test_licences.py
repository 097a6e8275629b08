from __future__ import annotations

import re
import tomllib

from test_setup import split


def test_every_dependency_has_a_row(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    extra = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extra["slurm"], *extra["s3"]]
    rows = re.findall(r"^\| ([\w-]+) \|", (root / "docs/licences.md").read_text(), re.M)
    assert {split(requirement)[0] for requirement in wanted} == set(rows) - {"dependency"}
