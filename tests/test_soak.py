"""Runs killed again and again; bench/soak.py does it a hundred times, this a few."""

import json
import os
from collections import Counter

import pytest
from contourbench.bench.studies import soak

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals")


def test_killed_runs_lose_nothing_and_do_nothing_twice(tmp_path):
    tally = soak.soak(tmp_path, kills=3, images=3)
    assert tally.faults == []
    assert sum(tally.kills.values()) == 3
    assert {kill for _, kill, _ in tally.kills} == set(soak.SIGNALS)
    assert tally.completed >= 1
    assert "3 kills" in soak.table(tally)


def test_soaking_notices_what_it_is_for(tmp_path, monkeypatch):
    """Work done twice, a file that differs, one left over and one missing, seconds apart."""
    test = soak.Soak(tmp_path, images=2, workers=1, seed=0)
    out, name = tmp_path / "o", "soaked_edges-contours/scene001"
    journal = out / "soaked_edges-contours/counts.jsonl"
    journal.parent.mkdir(parents=True)
    journal.write_text('{"id": "scene001"}\n{"id": "sce')
    before = test.finished(out)
    assert before == {name: (1, 0)}
    assert test.finished(out) == before
    image = next(number for number, image_id in test.id_of.items() if image_id == "scene001")
    (tmp_path / "calls").write_text(f"contours {image}\n")
    assert test.finished(out)[name].calls == 1
    journal.write_text('{"id": "scene001"}\n{"id": "scene001"}\n')
    assert test.finished(out)[name].records == 2

    name = "soaked_edges-contours/counts.jsonl"
    (out / "run.json").write_text(json.dumps({"seconds": 1, "finished": "now", "versions": {}}))
    (out / ".x.tmp").write_text("")
    test.calm["run"] = {name: b"[]", "table.md": b"", "run.json": json.dumps({"versions": {}}).encode()}
    test._compare("run", out)
    assert test.tally.faults == ["run: .x.tmp is left over", f"run: {name} differs", "run: table.md is missing"]


def test_a_bad_answer_is_a_fault(tmp_path):
    test = soak.Soak(tmp_path, images=2, workers=1, seed=0)
    test.records["run"] = [tmp_path / "x.json", tmp_path / "y.json"]
    answer = soak.Ending(True, 130, 2.0, 1.0, 0.3, f"interrupted; {soak.ANSWER}", 0)
    test._count("run", soak.signal.SIGINT, answer, 0, 1)
    assert test.tally.faults == []
    test._count("run", soak.signal.SIGINT, answer._replace(err=f"Traceback … {soak.ANSWER}"), 0, 2)
    test._count("run", soak.signal.SIGTERM, answer._replace(code=-15, err=""), 1, 2)
    assert len(test.tally.faults) == 2
    test._count("run", soak.signal.SIGTERM, answer._replace(code=-15, err=""), 1, 1)
    assert test.tally.early == 1
    test._count("run", soak.signal.SIGTERM, answer._replace(code=-15, err=f"o{soak.LAST_WORDS[1]}"), 2, 2)
    assert test.tally.late == 1
    test._count("run", soak.signal.SIGINT, answer._replace(err="Traceback … in main\n…"), 1, 1)
    assert len(test.tally.faults) == 3
    assert test.tally.kills == Counter(
        {
            ("run", soak.signal.SIGINT, "between images"): 1,
            ("run", soak.signal.SIGINT, "all images done"): 1,
            ("run", soak.signal.SIGTERM, "all images done"): 2,
            ("run", soak.signal.SIGTERM, "nothing new yet"): 1,
            ("run", soak.signal.SIGINT, "nothing new yet"): 1,
        }
    )


def test_it_tells_how_far_it_is(capsys):
    assert soak.main(["--kills", "1", "--images", "2"]) == 0
    assert "1 of 1 kills, " in capsys.readouterr().err
