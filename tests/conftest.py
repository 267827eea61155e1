import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from toy import write_folder

# Kernels compile on first use, which no deadline foresees; CI tries the same examples each time.
settings.register_profile("here", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("here")

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def bsds500() -> Path:
    """The real data set, where it is."""
    path = Path(os.environ.get("CONTOURBENCH_BSDS500") or SHARED / "BSDS500")
    if not path.is_dir():
        pytest.skip("BSDS500 not found: set CONTOURBENCH_BSDS500, or put it at ../shared/data/BSDS500")
    return path


@pytest.fixture(scope="session")
def bench_sample() -> Path:
    """Five images with official inputs and outputs."""
    path = SHARED / "bsds_bench_sample"
    if not path.is_dir():
        pytest.skip("official sample not found at ../shared/data/bsds_bench_sample")
    return path


@pytest.fixture
def random() -> np.random.RandomState:
    return np.random.RandomState(7)


@pytest.fixture(autouse=True)
def _no_data_from_environment(monkeypatch):
    """Commands in tests say themselves which data they mean."""
    monkeypatch.delenv("CONTOURBENCH_BSDS500", raising=False)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A toy data set at ``mine``, with the working directory beside it."""
    monkeypatch.chdir(tmp_path)
    return write_folder(tmp_path / "mine", truth="mat")


@pytest.fixture
def appended(monkeypatch):
    """The ids of the records that commands in this process have written, as they come."""
    from contourbench.bench.runs.journal import Appender, id_of

    ids, append = [], Appender.append

    def note(self, line):
        ids.append(id_of(line))
        append(self, line)

    monkeypatch.setattr(Appender, "append", note)
    return ids


@pytest.fixture(scope="session")
def scenes(tmp_path_factory):
    """Two detectors and a sweep on three scenes."""
    from contourbench.bench.cli.main import main

    out = tmp_path_factory.mktemp("page") / "results"
    detectors = ("canny", "sobel", "felzenszwalb")
    common = ["--data", "scenes", "--limit", "3", "--thresholds", "9", "--workers", "1"]
    assert main(["run", *detectors, *common, "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="session")
def page(scenes):
    """The page of them."""
    from contourbench.bench.datasets.opening import open_dataset
    from contourbench.bench.report.page import write_page
    from page_parts import load

    path = scenes.parent / "page.html"
    write_page(load(scenes), open_dataset("scenes"), path, 3)
    return path
