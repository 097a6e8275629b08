"""Facts that are declared in two places must agree."""

from __future__ import annotations

import re
import subprocess
import tomllib

import yaml

CONDA_NAMES = {"opencv-python-headless": "py-opencv", "dlib-bin": "dlib", "matplotlib": "matplotlib-base"}


def split(requirement: str) -> tuple[str, str]:
    """`snakemake[reports]>=9.27` -> (snakemake, >=9.27)."""
    name, version = re.fullmatch(r"([\w-]+)(?:\[\w+\])?\s*(.*)", requirement).groups()
    return name, version


def test_environment_yml_says_what_pyproject_says(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    wanted = {CONDA_NAMES.get(name, name): version for name, version in map(split, project["dependencies"])}
    wanted["python"] = project["requires-python"]
    environment = yaml.safe_load((root / "environment.yml").read_text())
    assert environment["channels"] == ["conda-forge", "bioconda", "nodefaults"]
    named = [d for d in environment["dependencies"] if isinstance(d, str) and d != "pip"]
    of_pip = [name for d in environment["dependencies"] if isinstance(d, dict) for name in d["pip"]]
    assert dict(map(split, named + of_pip)) == wanted


def test_lock_has_every_dependency_with_hashes_and_no_address(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    extra = project["optional-dependencies"]
    wanted = project["dependencies"] + extra["dev"] + extra["slurm"] + extra["s3"]
    for file in ("requirements.lock", "requirements-gpu.lock"):
        lock = (root / file).read_text()
        assert "://" not in lock
        pinned = set(re.findall(r"^([\w.-]+)==", lock, re.M))
        normal = {re.sub(r"[-_.]+", "-", name).lower() for name in pinned}
        missing = {re.sub(r"[-_.]+", "-", split(r)[0]).lower() for r in wanted} - normal
        assert not missing, f"{file} lacks {missing}; see docs/developing.md for how it is made"
        blocks = re.split(r"^(?=[\w.-]+==)", lock, flags=re.M)[1:]
        assert all("--hash=sha256:" in block for block in blocks)


def test_run_refuses_an_empty_command_with_one_line(root):
    done = subprocess.run([root / "run"], capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "expected a command" in done.stderr
