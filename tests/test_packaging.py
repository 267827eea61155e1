"""What is handed out: a source distribution from which the tests run, and a wheel of nothing but the code."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BUILD = "import sys; from setuptools import build_meta as b; out = sys.argv[1]; b.build_sdist(out); b.build_wheel(out)"
ROOMS = ("baselines", "bench", "cnf_contours", "contourbench", "eval", "tests")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of both, made of a copy of the tree."""
    pytest.importorskip("setuptools", minversion="77")
    tree, out = tmp_path_factory.mktemp("tree") / "contourbench", tmp_path_factory.mktemp("dist")
    unwanted = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist", "maps", "scenes")
    shutil.copytree(ROOT, tree, ignore=unwanted)
    done = subprocess.run([sys.executable, "-c", BUILD, out], cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Package would be ignored" not in done.stderr
    return out


def test_the_source_distribution_has_what_the_tests_need(built):
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        there = {name.partition("/")[2] for name in archive.getnames()}
    for room in ROOMS:
        for path in (ROOT / room).rglob("*"):
            name = path.relative_to(ROOT).as_posix()
            if path.suffix in {".py", ".pyi", ".md", ".npz", ".csv", ".html", ".css", ".js", ".sha256"}:
                assert name in there, name
    assert {"Makefile", "constraints.txt", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE"} <= there
    assert {"data/README.md", "results/README.md", "results/bsds500-test/canny/counts.jsonl"} <= there
    assert not [name for name in there if "/maps/" in name or name.endswith(".pyc")]


def test_the_wheel_is_the_code_alone_and_works(built, tmp_path):
    wheel = next(built.glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "site")
    assert {name.partition("/")[0] for name in names} <= {
        "contourbench",
        wheel.name.removesuffix("-py3-none-any.whl") + ".dist-info",
    }
    assert not [name for name in names if "studies" in name or "tests" in name or name.endswith(".md")]
    for room in set(ROOMS) - {"tests", "contourbench"}:
        for path in (ROOT / room).rglob("*.py"):
            if "studies" not in path.parts:
                assert f"contourbench/{path.relative_to(ROOT).as_posix()}" in names
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "NUMBA_CACHE_DIR": str(tmp_path / "kernels")}
    script = "import sys, contourbench; from contourbench.bench.cli.main import main; "
    script += f"assert contourbench.__file__.startswith({str(tmp_path)!r}); sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", script, "run", "sobel", "--limit", "1", "--thresholds", "3", "--workers", "1"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "sobel" in done.stdout


def test_version_changes_and_citation_agree():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^## (\S+)", changes, re.MULTILINE)[0] == version
    assert f"\nversion: {version}\n" in citation


def test_every_dependency_has_a_version_that_is_known_to_work():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = {line.partition("==")[0].lower() for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").split()}
    wanted = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    assert {re.match(r"[\w-]+", text)[0].lower() for text in wanted} <= pins
