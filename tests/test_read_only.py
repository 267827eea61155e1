"""Where neither the installed package nor the user's home can be written to, as in a container without a home."""

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("eval", "baselines", "cnf_contours", "bench")
CAP_DAC_OVERRIDE, CAPBSET_DROP = 1, 24

SCRIPT = """
import os, sys, tempfile
import numpy as np
import contourbench
from contourbench.eval import thin
assert contourbench.__file__.startswith(sys.argv[1]), contourbench.__file__
assert not os.access(sys.argv[1], os.W_OK), "the package can be written to, so this test shows nothing"
assert thin(np.ones((3, 5), bool)).sum() == 3
import numba
print(numba.config.CACHE_DIR)
print(len(os.listdir(numba.config.CACHE_DIR)))
"""


def obey_file_modes():
    """For a child process: root writes only where the modes allow it, as others do."""
    if os.geteuid() == 0:
        ctypes.CDLL(None).prctl(CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)


@pytest.fixture
def read_only(tmp_path):
    """A copy of the package as it is installed, which nobody may write to."""
    if not sys.platform.startswith("linux"):
        pytest.skip("root is bound to file modes by a call of Linux")
    package = tmp_path / "site" / "contourbench"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "contourbench", package, ignore=ignored)
    for room in ROOMS:
        shutil.copytree(ROOT / room, package / room, ignore=ignored)
    folders = [package.parent, *(path for path in package.parent.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    yield package.parent
    for folder in folders:
        folder.chmod(0o755)


def run(script, site, **variables):
    others = {"NUMBA_CACHE_DIR", "XDG_CACHE_HOME"}
    environment = {name: value for name, value in os.environ.items() if name not in others}
    environment |= {"HOME": str(site / "home"), "PYTHONPATH": str(site), **variables}
    command = [sys.executable, "-c", script, str(site)]
    return subprocess.run(
        command, capture_output=True, text=True, cwd="/", env=environment, preexec_fn=obey_file_modes, check=False
    )


def test_kernels_are_kept_in_a_temporary_folder_while_the_process_lives(read_only, tmp_path):
    (tmp_path / "tmp").mkdir()
    done = run(SCRIPT, read_only, TMPDIR=str(tmp_path / "tmp"))
    if "so this test shows nothing" in done.stderr:
        pytest.skip("root cannot be bound to file modes here")
    assert done.returncode == 0, done.stderr
    folder, entries = done.stdout.splitlines()
    assert folder.startswith(str(tmp_path / "tmp"))
    assert int(entries) > 0
    assert list((tmp_path / "tmp").iterdir()) == []


def test_numba_alone_would_refuse(read_only):
    """Else the fall-back would not be needed any more."""
    script = SCRIPT.replace("import contourbench\n", "import contourbench, os\ndel os.environ['NUMBA_CACHE_DIR']\n")
    done = run(script, read_only)
    if "so this test shows nothing" in done.stderr:
        pytest.skip("root cannot be bound to file modes here")
    assert "no locator available" in done.stderr


def test_a_folder_that_the_user_named_is_used(read_only, tmp_path):
    (tmp_path / "mine").mkdir()
    done = run(SCRIPT, read_only, NUMBA_CACHE_DIR=str(tmp_path / "mine"))
    if "so this test shows nothing" in done.stderr:
        pytest.skip("root cannot be bound to file modes here")
    assert done.stdout.splitlines()[0] == str(tmp_path / "mine"), done.stderr
