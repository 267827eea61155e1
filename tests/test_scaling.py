"""What is reckoned from what was measured; the measurement itself, on two scenes, works."""

import json

import pytest
from command import COMMAND
from contourbench.bench.studies import scaling


def test_an_extrapolation_by_hand():
    """100 images of twice the area, 1 s each: 2 s + 0.5 s of overhead, and 3 s of start."""
    cost, split = scaling.Cost("x", 1.0, 4.0), scaling.Split("y", 100, 2 * scaling.BSDS_PIXELS)
    times = [scaling.reckoned(cost, split, n, overhead=0.5, start=3.0) for n in (1, 10, 100, 1000)]
    assert times == [3 + 250, 3 + 25, 3 + 8.5, 3 + 8.5]


def test_costs_are_those_of_committed_runs(tmp_path):
    meta = {"hashes": {}, "finished": "", "versions": {}}
    meta |= {"protocol": {"thresholds": 99, "max_dist": 0.0075, "thin": True, "definition": 1}}
    whole = {"a": {"detect": 2.0, "count": 1.0}, "b": {"detect": 4.0, "count": 1.0}}
    for name, seconds in (("slow", whole), ("half", {"a": whole["a"], "b": {"count": 1.0}}), ("ncut_soft", whole)):
        (tmp_path / name).mkdir()
        dataset = {"name": "x", "split": "test", "ids": ["a", "b"]}
        run = {**meta, "detector": name, "dataset": dataset, "seconds": seconds}
        (tmp_path / name / "run.json").write_text(json.dumps(run))
    assert scaling.committed_costs(tmp_path) == [scaling.Cost("slow", 4.0, 5.0)]


def figures(row):
    costs = [scaling.Cost("x", 1.0, 4.0)._asdict()]
    loads = {"load_before": 0.0, "load_after": 1.0}
    return {"cores": 2, **loads, "measured": [row], "overhead": 0.5, "start": 3.0, "costs": costs}


def test_measuring(tmp_path, monkeypatch):
    """One command really; of the others it is enough which they are."""
    command = [
        *COMMAND,
        "run",
        "roberts",
        "--data",
        "scenes",
        "--limit",
        "1",
        "--workers",
        "1",
        "--out",
        tmp_path / "o",
    ]
    timing = scaling.timed(command, tmp_path / "o" / "roberts")
    assert timing.wall > timing.work > 0 < timing.cpu
    commands = []

    def timed(command, out):
        commands.append(command)
        return scaling.Timing(10.0 + len(commands), 44.0 if "40" in command else 5.0, 8.0 if "40" in command else 1.0)

    monkeypatch.setattr(scaling, "timed", timed)
    row = scaling.measure("roberts", "scenes", 40, tmp_path)
    assert len(commands) == 1 + 2 * scaling.REPEATS * 3
    assert row["run_1"]["wall"] == 12.0  # the first and better of two
    assert row["start_seconds"] == 14.0 - 1.0
    text = scaling.table(figures({**row, "dask": row["run_2"]}))
    assert "| `run`, roberts | 40 | 12.0 (44.0) | 15.0 (44.0) | 0.80 | 1.00, 1.03 s | 1.95 |" in text  # 39 in 39, in 38
    assert "| `run`, roberts | 40 | 15.0 (44.0) | 15.0 (44.0) |" in text
    assert "| `x` | 1.00 | 4.0 | 5.0 min |" in text
    assert "load average was 0.0 before" in text


def test_a_command_that_fails_is_no_measurement(tmp_path):
    with pytest.raises(RuntimeError, match="no such folder"):
        scaling.timed([*COMMAND, "run", "roberts", "--data", str(tmp_path / "nowhere")], tmp_path)
