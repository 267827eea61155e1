"""What the library says: nothing uninvited; parameters in its messages, options in the command's."""

import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command import COMMAND, contourbench
from contourbench.bench.cli.messages import as_options
from contourbench.bench.datasets.opening import open_dataset
from contourbench.bench.errors import UserError, argument

RUN = """
import logging
from contourbench.bench.runs.api import run

if __name__ == "__main__":
    LISTEN
    run("sobel", "mine", "o", workers=2)
"""


@pytest.mark.parametrize(
    ("listen", "heard"),
    [
        ("", ""),
        (
            "logging.basicConfig(level='INFO', format='%(name)s %(message)s')",
            "".join(f"contourbench.bench.runs.progress sobel: {i} of 3 images\n" for i in (1, 2, 3)),
        ),
    ],
    ids=["nobody listens", "somebody listens"],
)
def test_the_library_is_silent_until_somebody_listens(tmp_path, folder, listen, heard):
    (tmp_path / "script.py").write_text(RUN.replace("LISTEN", listen))
    done = subprocess.run([sys.executable, "script.py"], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", heard)


def test_the_command_shows_bare_lines(capsys, folder):
    code, _, err = contourbench(capsys, "run", "sobel", "--data", folder, "--out", "o")
    assert code == 0
    assert err.splitlines()[:3] == [f"sobel: {i} of 3 images" for i in (1, 2, 3)]


TELLS = """
import logging
def detect(image):
    logging.getLogger("contourbench.mine").warning("`sigma=2`: %d rows", len(image))
    return image[..., 0] / 255
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_said_in_other_processes_is_shown_too(tmp_path, folder, workers):
    (tmp_path / "tells.py").write_text(TELLS)
    run = [*COMMAND, "run", "tells:detect", "--data", folder, "--out", "o", "--workers", str(workers)]
    done = subprocess.run(run, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("warning: --sigma 2: 24 rows\n") == 3


@pytest.mark.parametrize(
    ("parameter", "value", "library", "command"),
    [
        ("data", "nosuch", "`data='nosuch'`", "--data nosuch"),
        ("max_dist", 0.5, "`max_dist=0.5`", "--max-dist 0.5"),
        ("invert", True, "`invert=True`", "--invert"),
        ("out", "", "`out=`", "--out"),
        ("out", "it's here", '`out="it\'s here"`', "--out it's here"),
        ("out", "a\nb", r"`out='a\nb'`", "--out a\nb"),
        ("images", ("a", "b"), "`images=('a', 'b')`", "--images ('a', 'b')"),
    ],
)
def test_parameters_become_options(parameter, value, library, command):
    assert argument(parameter, value) == library
    error = UserError("wrong", parameter=parameter, value=value)
    assert str(error) == str(pickle.loads(pickle.dumps(error))) == f"{library}: wrong"
    assert as_options(f"{error}; see {argument('split')}") == f"{command}: wrong; see --split"


def test_other_words_in_backticks_stay():
    for text in ("make one with `contourbench run` or `score`", "`a` = `b`", "canny(sigma=2)"):
        assert as_options(text) == text


def test_a_python_caller_reads_of_parameters(tmp_path):
    with pytest.raises(UserError) as caught:
        open_dataset("nosuch")
    assert str(caught.value).startswith("`data='nosuch'`: no such folder; expected 'scenes'")


ORPHANS = """
import os, time
from contourbench.bench.runs.workers import Workers

def work(item):
    print(os.getpid(), flush=True)
    time.sleep(60)

if __name__ == "__main__":
    with Workers(2) as workers:
        list(workers.map(work, range(2)))
"""


@pytest.mark.skipif(os.name != "posix", reason="asks for a process by signal 0")
def test_workers_end_with_a_parent_that_was_killed(tmp_path):
    (tmp_path / "orphans.py").write_text(ORPHANS)
    with subprocess.Popen([sys.executable, tmp_path / "orphans.py"], stdout=subprocess.PIPE, text=True) as parent:
        pids = {int(parent.stdout.readline()) for _ in range(2)}
        parent.kill()
    waited = time.monotonic() + 10
    while (left := [pid for pid in pids if _alive(pid)]) and time.monotonic() < waited:
        time.sleep(0.05)
    assert len(pids) == 2
    assert not left


def _alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")  # who has ended, but was not waited for, is no more alive
    return not state.exists() or state.read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
