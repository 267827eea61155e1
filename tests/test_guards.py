"""Two runs at once, hanging detectors, SIGTERM, hostile files, a full disk."""

import errno
import io
import json
import signal
import subprocess
import time
import zipfile

import numpy as np
import pytest
from command import COMMAND, contents, contourbench, fails, hear_interrupts
from contourbench.bench import files
from contourbench.bench.errors import UserError
from contourbench.bench.guards import sole_writer, time_limit
from contourbench.bench.predictions import read_prediction

HANGS = """
import time
def detect(image):
    if image[0, 0, 0] == BAD:
        time.sleep(60)
    return image[..., 0] / 255.0
"""


def test_one_writer_per_folder(capsys, tmp_path, folder):
    run = ("run", "sobel", "--data", folder, "--out", "o")
    with sole_writer(tmp_path / "o" / "sobel"):
        assert "another run is writing there now" in fails(capsys, *run)
    assert contourbench(capsys, *run)[0] == 0
    assert not (tmp_path / "o" / "sobel" / ".lock").exists()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_hanging_detector_loses_its_image_alone(capsys, tmp_path, folder, workers):
    import imageio.v3 as iio

    (tmp_path / "hangs.py").write_text(HANGS.replace("BAD", str(iio.imread(folder / "images" / "b.png")[0, 0, 0])))
    run = ("run", "hangs:detect", "--data", folder, "--out", "o", "--workers", workers, "--time-limit", 1)
    code, _, err = contourbench(capsys, *run)
    assert code == 1
    assert "b: TimeoutError: not done after 1 seconds (--time-limit)" in err
    assert {p.stem for p in (tmp_path / "o/hangs-detect/counts").iterdir()} == {"a", "c"}


def test_no_alarm_is_left_behind():
    with time_limit(0.2):
        pass
    time.sleep(0.3)
    with pytest.raises(TimeoutError), time_limit(0.05):
        time.sleep(1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_killed_at_any_moment_a_rerun_completes(tmp_path, number):
    """Killed in the middle, again and again; in the end all is as if undisturbed."""
    run = [*COMMAND, "run", "canny", "--limit", "6", "--thresholds", "9", "--workers", "2", "--out"]
    assert subprocess.run([*run, "calm"], cwd=tmp_path, capture_output=True).returncode == 0
    for attempt in range(3):
        process = subprocess.Popen(
            [*run, "rough"], cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, preexec_fn=hear_interrupts
        )
        counts = tmp_path / "rough" / "canny" / "counts"
        while process.poll() is None and len(list(counts.glob("*.json"))) < 2 * attempt + 1:
            time.sleep(0.01)
        process.send_signal(number)
        err = process.communicate(timeout=60)[1].decode()
        if number != signal.SIGKILL and process.returncode:
            assert "the same command goes on from there" in err
    assert subprocess.run([*run, "rough"], cwd=tmp_path, capture_output=True).returncode == 0
    assert not list((tmp_path / "rough").rglob("*.tmp"))
    assert contents(tmp_path / "rough") == contents(tmp_path / "calm")


def test_a_full_disk_is_said_in_one_line(capsys, tmp_path, folder, monkeypatch):
    def full(path, data):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(files, "write_bytes", full)
    code, _, err = contourbench(capsys, "run", "sobel", "--data", folder, "--out", tmp_path / "o")
    assert code == 1
    assert "No space left on device" in err


def test_small_files_that_promise_much(tmp_path, monkeypatch):
    np.save(tmp_path / "x.npy", np.zeros((4, 4)))
    header = (tmp_path / "x.npy").read_bytes().replace(b"(4, 4), ", b"(400000, 400000), ")
    (tmp_path / "x.npy").write_bytes(header)
    with pytest.raises(UserError, match=r"x.npy: cannot be read as npy"):
        read_prediction(tmp_path / "x.npy")
    monkeypatch.setattr(files, "LARGEST_ARCHIVE", 10_000)
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
