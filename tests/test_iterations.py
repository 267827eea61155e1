"""Which iteration a detector is at: told on a terminal, and without any effect on results."""

import inspect
import os
import re
import struct
import subprocess
import time

import numpy as np
import pytest
from command import COMMAND, contents, contourbench
from contourbench.bench.errors import UserError
from contourbench.bench.methods.names import parse_detector
from contourbench.bench.runs import progress
from contourbench.bench.runs.progress import iteration_line, iteration_note

SLOW = """
import time
def detect(image, progress=None):
    for i in range(1, 6):
        time.sleep(0.15)
        if progress is not None:
            progress(i, 5, 0.25 / i)
    return image[..., 0] / 255
def alone(image, progress=None):
    assert progress is None
    return image[..., 0] / 255
def other(image, progress=0.5):
    return image[..., 0] / 255 * progress
"""


@pytest.fixture
def slow(folder):
    (folder.parent / "slow_mod.py").write_text(SLOW)
    return folder


def on_a_terminal(*arguments):
    """Run the command with a terminal as stderr; return what that shows."""
    import fcntl
    import pty
    import termios

    here, there = pty.openpty()
    fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    with subprocess.Popen([*COMMAND, *map(str, arguments)], stderr=there, stdout=subprocess.DEVNULL) as process:
        os.close(there)
        shown = b""
        while True:
            try:
                part = os.read(here, 4096)
            except OSError:  # how Linux says that the other end is closed
                break
            if not part:
                break
            shown += part
    os.close(here)
    assert process.returncode == 0, shown
    return shown.decode()


@pytest.mark.skipif(os.name != "posix", reason="no pseudo-terminals on this system")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_terminal_shows_them_and_nothing_else_changes(capsys, slow, workers):
    shown = on_a_terminal("run", "slow_mod:detect", "--data", slow, "--out", "seen", "--workers", workers)
    said = re.findall(r"\b([abc]) iteration (\d)/5  loss (\.\d{4})", shown)
    assert said, shown
    assert all(loss == f"{0.25 / int(i):.4f}"[1:] for _, i, loss in said)
    assert "slow_mod:detect: 100%" in shown
    code, _, err = contourbench(capsys, "run", "slow_mod:detect", "--data", slow, "--out", "unseen")
    assert code == 0
    assert "iteration" not in err
    assert contents("seen") == contents("unseen")


def test_no_terminal_no_calls(capsys, slow):
    assert contourbench(capsys, "run", "slow_mod:alone", "--data", slow, "--out", "o")[0] == 0


def test_it_is_no_parameter(slow):
    detector = parse_detector("slow_mod:detect")
    assert detector.name == "slow_mod:detect"
    assert detector.params == {}
    with pytest.raises(UserError, match="no parameter 'progress'"):
        parse_detector("slow_mod:detect(progress=1)")
    assert parse_detector("slow_mod:other(progress=1)").params == {"progress": 1.0}
    calls = []
    parse_detector("slow_mod:other")(np.zeros((2, 2, 3)), lambda *call: calls.append(call))
    parse_detector("slow_mod:detect")(np.zeros((2, 2, 3)), lambda *call: calls.append(call))
    assert calls == [(i, 5, 0.25 / i) for i in range(1, 6)]


def test_notes(tmp_path, monkeypatch):
    assert iteration_note(None, "a") is None
    monkeypatch.setattr(progress, "EVERY", 1000.0)
    note = iteration_note(tmp_path, "100007")
    note(340, 800, 0.0021)
    note(341, 800, 0.0020)  # too soon after
    (tmp_path / "cut").write_text('["x", 1')
    assert iteration_line(tmp_path) == "100007 iteration 340/800  loss .0021"
    note(800, 800, 0.001)
    assert iteration_line(tmp_path) == ""
    (tmp_path / "other").write_text('["x", 1, 2, 12.5]')
    assert iteration_line(tmp_path) == "x iteration 1/2  loss 12.5000"
    monkeypatch.setattr(progress, "STALE", -1.0)
    time.sleep(0.01)
    assert iteration_line(tmp_path) == ""


def test_notes_that_cannot_be_written_lose_nothing_but_the_time_limit_strikes(tmp_path, monkeypatch):
    iteration_note(tmp_path / "gone", "a")(1, 2, 0.5)

    def late(*_, **__):
        raise TimeoutError("not done")

    monkeypatch.setattr("pathlib.Path.write_text", late)
    with pytest.raises(TimeoutError):
        iteration_note(tmp_path, "a")(1, 2, 0.5)


@pytest.mark.parametrize("name", ["cnf", "cnf_fast", "cnf_thesis", "cnf_ucm", "cnf_segmentation", "dfc"])
def test_the_field_tells_them(name, random):
    pytest.importorskip("torch")
    image = random.randint(0, 256, (9, 12, 3), dtype=np.uint8)
    function = parse_detector(name)
    short = "" if name == "cnf_fast" else "(iterations=3)"
    calls = []
    seen = parse_detector(name + short)(image, lambda *call: calls.append(call))
    unseen = parse_detector(name + short)(image)
    kinds = {
        "cnf_ucm": lambda p: p.ucm2,
        "cnf_segmentation": lambda p: p.segmentations[0],
        "dfc": lambda p: p.segmentations[0],
    }
    array = kinds.get(name, lambda p: p)
    np.testing.assert_array_equal(array(seen), array(unseen))
    total = calls[-1][1]
    assert [call[0] for call in calls] == list(range(1, total + 1))
    assert all(np.isfinite(call[2]) for call in calls)
    assert "progress" not in function.params
    assert "progress" in inspect.signature(_function(function.target)).parameters


def _function(target):
    module, _, name = target.partition(":")
    return getattr(__import__(module, fromlist=[name]), name)
