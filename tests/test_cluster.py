"""Runs on a real local Dask cluster of several processes."""

import os
import signal
from pathlib import Path

import pytest

distributed = pytest.importorskip("distributed", reason="dask is not installed: pip install 'contourbench[cluster]'")

from command import contents, contourbench, fails

SLOW = """
import os, time
import numpy as np
def detect(image, folder=""):
    (open(os.path.join(folder, str(os.getpid())), "w")).close()
    time.sleep(0.6)
    return image[..., 0] / 255.0
"""


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """Two worker processes that share nothing with other tests, neither their working directory nor their scratch."""
    monkeypatch.chdir(tmp_path)
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address=None,
        scheduler_port=0,
        local_directory=str(tmp_path / "dask"),
    ) as started:
        yield started


@pytest.mark.filterwarnings("ignore")
def test_results_are_the_local_ones(capsys, tmp_path, cluster):
    run = ("run", "sobel", "felzenszwalb", "--limit", 4, "--thresholds", 9)
    assert contourbench(capsys, *run, "--out", tmp_path / "local")[0] == 0
    code, _, err = contourbench(capsys, *run, "--out", tmp_path / "far", "--scheduler", cluster.scheduler_address)
    assert code == 0, err
    assert contents(tmp_path / "far") == contents(tmp_path / "local")


@pytest.mark.skipif(os.name != "posix", reason="no signals between processes on this system")
@pytest.mark.filterwarnings("ignore")
def test_a_lost_worker_loses_nothing(capsys, tmp_path, folder, cluster):
    import threading

    (tmp_path / "slow_edges.py").write_text(SLOW)
    seen = tmp_path / "pids"
    seen.mkdir()
    for nanny in cluster.workers.values():
        nanny.env["PYTHONPATH"] = str(tmp_path)
    client = distributed.Client(cluster)
    client.run(lambda path: __import__("sys").path.append(path), str(tmp_path))

    def kill_the_first():
        while not (pids := list(Path(seen).iterdir())):
            pass
        os.kill(int(pids[0].name), signal.SIGKILL)

    killer = threading.Thread(target=kill_the_first)
    killer.start()
    run = ("run", f"slow_edges:detect(folder={str(seen)!r})", "--data", folder, "--out", "o", "--thresholds", 9)
    code, _, err = contourbench(capsys, *run, "--scheduler", cluster.scheduler_address)
    killer.join()
    client.close()
    assert code == 0, err
    assert len(list(seen.iterdir())) >= 2  # another process took over


def test_no_scheduler(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("contourbench.bench.runs.cluster.CONNECT_SECONDS", 1)
    err = fails(capsys, "run", "sobel", "--limit", 1, "--out", tmp_path, "--scheduler", "tcp://127.0.0.1:9")
    assert "no Dask scheduler answers there" in err
