"""Two runs at once, hanging detectors, SIGTERM, hostile files, a full disk."""

import errno
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from command import COMMAND, contents, contourbench, edit_record, fails, hear_interrupts, records
from contourbench.bench.errors import UserError
from contourbench.bench.files import arrays, atomic
from contourbench.bench.files.predictions import read_prediction
from contourbench.bench.runs import contours, guards
from contourbench.bench.runs import results as store
from contourbench.bench.runs.guards import sole_writer, time_limit
from contourbench.bench.runs.journal import read_lines
from toy import read_picture, write_maps

needs_alarms = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no alarms on this system")
needs_signals = pytest.mark.skipif(os.name != "posix", reason="no signals between processes on this system")

HANGS = """
import time
def detect(image):
    if image[0, 0, 0] == BAD:
        time.sleep(60)
    return image[..., 0] / 255.0
"""


def test_what_killed_runs_left_half_written_is_cleared(capsys, tmp_path, folder):
    run = ("run", "sobel", "--data", folder, "--out", "o")
    assert contourbench(capsys, *run)[0] == 0
    calm = contents("o")
    for part in ("o", "o/sobel", "o/sobel/maps"):
        (tmp_path / part / ".k1ll3d.tmp").write_text("half")
        (tmp_path / part / ".lock").touch()
    (tmp_path / "o/sobel/maps/.lock").unlink()
    assert contourbench(capsys, *run)[0] == 0
    assert contents("o") == calm


def test_the_scores_come_last(capsys, tmp_path, folder, monkeypatch):
    """A run that has scores has all files, at whatever moment it was killed."""
    written = []
    monkeypatch.setattr(store, "write_text", lambda path, text: written.append(path.name))
    assert contourbench(capsys, "run", "felzenszwalb", "--data", folder, "--out", "o")[0] == 0
    assert set(store.SUMMARY_FILES) == set(written[: len(store.SUMMARY_FILES)])
    assert written[len(store.SUMMARY_FILES) - 1] == "scores.json"


def test_a_lock_that_was_removed_is_none(tmp_path, monkeypatch):
    """Who waits for a lock does not hold it when the one before has taken its file away, and another made a new one."""
    monkeypatch.setattr(guards, "LOOK_AGAIN", 0.0001)
    inside, most = [], []

    def work():
        for _ in range(40):
            with sole_writer(tmp_path, wait=True):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.0005)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 160
    assert max(most) == 1


def test_one_writer_per_folder(capsys, tmp_path, folder):
    run = ("run", "sobel", "--data", folder, "--out", "o")
    with sole_writer(tmp_path / "o" / "sobel"):
        assert "another run is writing there now" in fails(capsys, *run)
    assert contourbench(capsys, *run)[0] == 0
    assert not (tmp_path / "o" / "sobel" / ".lock").exists()


HOLDS = """
import sys, time
from pathlib import Path
from contourbench.bench.runs.guards import sole_writer
with sole_writer(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_system_lets_go_of_a_killed_writers_folder(tmp_path):
    """What a killed run leaves behind keeps nobody out, waiting or not."""
    for wait in (False, True):
        with subprocess.Popen([sys.executable, "-c", HOLDS, str(tmp_path)], stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout.readline() == "held\n"
            with pytest.raises(UserError, match="another run is writing there now"), sole_writer(tmp_path):
                pass
            other.kill()
        assert (tmp_path / ".lock").exists()
        with sole_writer(tmp_path, wait=wait):
            pass
        assert not list(tmp_path.iterdir())


@needs_alarms
@pytest.mark.parametrize("workers", [1, 2])
def test_a_hanging_detector_loses_its_image_alone(capsys, tmp_path, folder, workers):
    (tmp_path / "hangs.py").write_text(HANGS.replace("BAD", str(read_picture(folder / "images" / "b.png")[0, 0, 0])))
    run = ("run", "hangs:detect", "--data", folder, "--out", "o", "--workers", workers, "--time-limit", 1)
    code, _, err = contourbench(capsys, *run)
    assert code == 1
    assert "b: TimeoutError: not done after 1 seconds (--time-limit)" in err
    assert set(records("o/hangs-detect")) == {"a", "c"}


@needs_alarms
def test_no_alarm_is_left_behind():
    with time_limit(0.2):
        pass
    time.sleep(0.3)
    with pytest.raises(TimeoutError), time_limit(0.05):
        time.sleep(1)


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf"])
def test_a_time_limit_is_a_time(capsys, folder, seconds):
    err = fails(capsys, "run", "sobel", "--data", folder, "--out", "o", f"--time-limit={seconds}")
    assert f"--time-limit {float(seconds)}: expected a positive number of seconds" in err


def test_where_there_are_no_alarms_a_time_limit_is_refused(capsys, folder, monkeypatch):
    """Not quietly left out: on Windows, outside the main thread, and on the workers of a cluster."""
    run = ("run", "sobel", "--data", folder, "--out", "o", "--time-limit", 5)
    assert "--time-limit: not with --scheduler" in fails(capsys, *run, "--scheduler", "tcp://127.0.0.1:9")
    with ThreadPoolExecutor(1) as thread, pytest.raises(UserError, match="not available outside the main thread"):
        thread.submit(lambda: time_limit(5).__enter__()).result()
    monkeypatch.delattr(signal, "setitimer", raising=False)
    assert "--time-limit 5.0: not available on this system" in fails(capsys, *run)
    with time_limit(None):
        pass
    assert contourbench(capsys, *run[:-2])[0] == 0


@needs_signals
@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL", "SIGINT"])
def test_killed_at_any_moment_a_rerun_completes(tmp_path, name):
    """Killed in the middle, again and again; in the end all is as if undisturbed."""
    run = [*COMMAND, "run", "canny", "--limit", "6", "--thresholds", "9", "--workers", "2", "--out"]
    assert subprocess.run([*run, "calm"], cwd=tmp_path, capture_output=True).returncode == 0
    for attempt in range(3):
        process = subprocess.Popen(
            [*run, "rough"], cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, preexec_fn=hear_interrupts
        )
        folder = tmp_path / "rough" / "canny"
        while process.poll() is None and len(read_lines(folder)) < 2 * attempt + 1:
            time.sleep(0.01)
        process.send_signal(getattr(signal, name))
        err = process.communicate(timeout=60)[1].decode()
        if name != "SIGKILL" and process.returncode:
            assert "the same command goes on from there" in err
    assert subprocess.run([*run, "rough"], cwd=tmp_path, capture_output=True).returncode == 0
    assert not list((tmp_path / "rough").rglob("*.tmp"))
    assert contents(tmp_path / "rough") == contents(tmp_path / "calm")


def test_a_full_disk_is_said_in_one_line(capsys, tmp_path, folder, monkeypatch):
    def full(path, data):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(arrays, "write_bytes", full)
    monkeypatch.setattr(atomic, "write_bytes", full)
    code, _, err = contourbench(capsys, "run", "sobel", "--data", folder, "--out", tmp_path / "o")
    assert code == 1
    assert "No space left on device" in err


@pytest.mark.skipif(os.name != "posix", reason="limits of processes")
def test_a_disk_that_is_full_in_the_middle_of_a_write(tmp_path, folder):
    """Really, by a limit on the size of files, which maps exceed: one line, nothing half written, and it goes on."""
    import resource

    run = [*COMMAND, "run", "sobel", "--data", folder, "--workers", "1", "--out", "o"]
    soft = (2000, resource.RLIM_INFINITY)
    full = subprocess.run(
        run, capture_output=True, text=True, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, soft)
    )
    assert full.returncode == 1
    assert full.stderr.count("cannot write (File too large)") == full.stderr.count("a, b, c: OSError: ") == 1
    assert [path.name for path in (tmp_path / "o/sobel").rglob("*") if path.is_file()] == ["run.json"]
    assert subprocess.run(run, capture_output=True).returncode == 0


def unwritable(place):
    """Nowhere to write to, also for root, whom permissions do not stop: the system's own, and a file."""
    (place / "file").write_text("mine")
    return ["/proc/contourbench", str(place / "file"), str(place / "file" / "below")]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc")
def test_results_folders_that_cannot_be_written_to(capsys, tmp_path, folder):
    maps = write_maps(tmp_path / "maps")
    for out in unwritable(tmp_path):
        for command in (("run", "sobel"), ("score", maps)):
            err = fails(capsys, *command, "--data", folder, "--out", out)
            assert err.startswith(f"contourbench: --out {out}: cannot be written to")
            assert err.count("\n") == 1
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="permissions do not stop root")
def test_a_read_only_results_folder(capsys, tmp_path, folder):
    (tmp_path / "o").mkdir(mode=0o555)
    err = fails(capsys, "run", "sobel", "--data", folder, "--out", "o")
    assert "--out o: cannot be written to (Permission denied)" in err


def test_one_part_of_a_run_that_cannot_be_written_to(capsys, tmp_path, folder):
    """All images fail alike, which is one line; what was there stays."""
    (tmp_path / "o/sobel").mkdir(parents=True)
    (tmp_path / "o/sobel/maps").write_text("mine")
    code, _, err = contourbench(capsys, "run", "sobel", "canny", "--data", folder, "--out", "o")
    assert code == 1
    assert err.count("a, b, c: FileExistsError: ") == err.count("cannot write") == 1
    assert (tmp_path / "o/sobel/maps").read_text() == "mine"
    assert (tmp_path / "o/canny/scores.json").exists()


DETECTS = """
def detect(image):
    with open("calls", "a") as file:
        file.write("called ")
    return image[..., 0] / 255.0
"""


def edit(path, **changes):
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, **changes}))


def test_results_of_another_version(capsys, tmp_path, folder):
    """Older counts are made again from the same maps; what a newer version wrote, and we cannot read, altogether."""
    (tmp_path / "detects.py").write_text(DETECTS)
    run = ("run", "detects:detect", "--data", folder, "--out", "o")
    made = tmp_path / "o" / "detects-detect"
    assert contourbench(capsys, *run)[0] == 0
    calm = contents("o")
    older = {**json.loads((made / "run.json").read_text())["protocol"], "definition": 0}
    for image_id in "abc":
        edit_record(made, image_id, lambda record: record.update(protocol=older))
    assert "a of another protocol than the rest" in fails(capsys, "compare", made, made)
    assert contourbench(capsys, *run)[0] == 0
    assert contents("o") == calm
    assert Path("calls").read_text() == "called " * 3

    edit_record(made, "b", lambda record: record.update(certainty=[1, 2]))
    assert "b missing or damaged" in fails(capsys, "compare", made, made)
    assert contourbench(capsys, *run)[0] == 0
    assert contents("o") == calm
    assert Path("calls").read_text() == "called " * 4
    edit(made / "run.json", protocol={"levels": 99})
    assert "run.json: not the record of a run" in fails(capsys, "table", "o")


def test_versions_are_kept_per_image(capsys, tmp_path, folder, monkeypatch):
    run = ("run", "sobel", "--data", folder, "--out", "o")
    made = tmp_path / "o" / "sobel"
    assert contourbench(capsys, *run)[0] == 0
    now = contours.current_versions()
    assert records(made)["a"]["versions"] == now
    monkeypatch.setattr(contours, "current_versions", lambda: {**now, "numpy": "9.9"})
    edit_record(made, "b", None)
    assert contourbench(capsys, *run)[0] == 0
    held = {image_id: record["versions"]["numpy"] for image_id, record in records(made).items()}
    assert held == {"a": now["numpy"], "b": "9.9", "c": now["numpy"]}
    assert json.loads((made / "run.json").read_text())["versions"]["numpy"] == f"{now['numpy']}, 9.9"
    for name in "ac":  # as older versions wrote them
        edit_record(made, name, lambda record: record.pop("versions"))
    edit(made / "run.json", versions={"numpy": "1.0, 2.0"})
    assert contourbench(capsys, *run)[0] == 0
    assert json.loads((made / "run.json").read_text())["versions"]["numpy"] == "1.0, 2.0, 9.9"
    assert "ok" in contourbench(capsys, "verify", made, "--data", folder)[1]


def test_small_files_that_promise_much(tmp_path, monkeypatch):
    np.save(tmp_path / "x.npy", np.zeros((4, 4)))
    header = (tmp_path / "x.npy").read_bytes().replace(b"(4, 4), ", b"(400000, 400000), ")
    (tmp_path / "x.npy").write_bytes(header)
    with pytest.raises(UserError, match=r"x.npy: cannot be read as npy"):
        read_prediction(tmp_path / "x.npy")
    monkeypatch.setattr(arrays, "LARGEST_ARCHIVE", 10_000)
    np.savez_compressed(tmp_path / "bomb.npz", segmentations=np.zeros((1, 200, 200), np.uint8))
    with pytest.raises(UserError, match=r"bomb.npz: .* GB when unpacked"):
        read_prediction(tmp_path / "bomb.npz")


@pytest.mark.parametrize("seed", range(30))
def test_damaged_files_are_refused_or_read(tmp_path, seed):
    """Bytes changed at random: an answer or a line, never a crash."""
    random = np.random.RandomState(seed)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, segmentations=random.randint(0, 3, (2, 6, 7)), settings=np.array(["a", "b"]))
    data = bytearray(buffer.getvalue())
    for position in random.randint(0, len(data), 4):
        data[position] = random.randint(0, 256)
    (tmp_path / "x.npz").write_bytes(bytes(data))
    try:
        assert len(read_prediction(tmp_path / "x.npz").segmentations) == 2
    except UserError as error:
        assert "x.npz" in str(error)


def test_ids_that_are_paths_are_refused(capsys, tmp_path, folder):
    assert contourbench(capsys, "run", "sobel", "--data", folder, "--out", "o")[0] == 0
    meta = json.loads((tmp_path / "o/sobel/run.json").read_text())
    meta["dataset"]["ids"][0] = "../../secret"
    (tmp_path / "o/sobel/run.json").write_text(json.dumps(meta))
    assert "not the record of a run" in fails(capsys, "table", "o")


def test_members_that_are_not_arrays(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("../evil.npy", b"not an array")
    with pytest.raises(UserError, match=r"x.npz"):
        read_prediction(tmp_path / "x.npz")
    assert not (tmp_path.parent / "evil.npy").exists()
