"""Seconds per image survive a run that is killed."""

import json

from command import contourbench
from contourbench.bench.runs import progress
from contourbench.bench.runs.seconds import NOTED, forget_notes, known_seconds, note_seconds


def test_notes_are_read_back_but_for_a_line_that_was_cut(tmp_path):
    assert known_seconds(tmp_path) == {}
    note_seconds(tmp_path, "a", {"detect": 1.5})
    note_seconds(tmp_path, "reused", {})
    with (tmp_path / NOTED).open("a") as file:
        file.write('\n["b", {"det')
    note_seconds(tmp_path, "a", {"count": 0.5})
    assert known_seconds(tmp_path) == {"a": {"detect": 1.5, "count": 0.5}}
    forget_notes(tmp_path)
    assert known_seconds(tmp_path) == {}


def test_notes_that_cannot_be_written_stop_nothing(tmp_path):
    note_seconds(tmp_path / "not there", "a", {"detect": 1.5})


def test_an_interrupted_run_remembers_its_seconds(capsys, tmp_path, monkeypatch):
    run = ("run", "sobel", "--limit", 3, "--thresholds", 9, "--out", tmp_path)
    step = progress.Progress.step

    def interrupt(self, *given, **named):
        step(self, *given, **named)
        if self.done == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(progress.Progress, "step", interrupt)
    assert contourbench(capsys, *run)[0] == 130
    noted = known_seconds(tmp_path / "sobel")
    assert len(noted) == 2
    monkeypatch.undo()
    assert contourbench(capsys, *run)[0] == 0
    found = json.loads((tmp_path / "sobel/run.json").read_text())["seconds"]
    assert sorted(found) == ["scene001", "scene002", "scene003"]
    for image_id, seconds in found.items():
        assert set(seconds) == {"detect", "count"}
        assert image_id not in noted or abs(seconds["detect"] - noted[image_id]["detect"]) < 1e-3
    assert not (tmp_path / "sobel" / NOTED).exists()
