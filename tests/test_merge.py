"""Shards of a run on several machines, and what becomes of them."""

import json

import pytest
from command import contents, contourbench, fails
from contourbench.bench.files import atomic
from contourbench.bench.runs import journal, merge
from toy import read_picture


def shard(capsys, out, number, count, detector="sobel", *options):
    run = ("run", detector, "--data", "scenes", "--limit", 5, "--thresholds", 9, *options)
    assert contourbench(capsys, *run, "--shard", f"{number}/{count}", "--out", out)[0] == 0
    return out / detector


@pytest.mark.parametrize("detector", ["sobel", "felzenszwalb"])
def test_merged_shards_are_the_whole_run(capsys, tmp_path, detector):
    run = ("run", detector, "--data", "scenes", "--limit", 5, "--thresholds", 9, "--out", tmp_path / "whole")
    assert contourbench(capsys, *run)[0] == 0
    parts = [shard(capsys, tmp_path / f"part{i}", i, 3, detector) for i in (1, 2, 3)]
    assert len(json.loads((parts[0] / "run.json").read_text())["dataset"]["ids"]) == 2
    before = contents(tmp_path / "part1")
    code, out, err = contourbench(capsys, "merge", *parts, "--out", tmp_path / "merged")
    assert code == 0, err
    assert detector in out
    assert contents(tmp_path / "merged") == contents(tmp_path / "whole" / detector)
    assert contents(tmp_path / "part1") == before


def test_what_cannot_be_merged(capsys, tmp_path):
    first, second = (shard(capsys, tmp_path / str(i), i, 2) for i in (1, 2))
    again, coarse = shard(capsys, tmp_path / "again", 1, 2), shard(capsys, tmp_path / "c", 2, 2, "sobel", "--no-thin")
    out = tmp_path / "out"
    assert "images that another shard has, too: scene001" in fails(capsys, "merge", first, again, "--out", out)
    assert "another protocol than" in fails(capsys, "merge", first, coarse, "--out", out)
    assert not out.exists()
    assert contourbench(capsys, "merge", first, second, "--out", out)[0] == 0
    assert "not empty (it has scores.json)" in fails(capsys, "merge", first, second, "--out", out)
    (tmp_path / "file").touch()
    assert "expected a folder of yours" in fails(capsys, "merge", first, second, "--out", tmp_path / "file")


@pytest.mark.parametrize("left", [2, 5, 7])
def test_a_killed_merge_goes_on(capsys, tmp_path, monkeypatch, left):
    """After any number of files, the last written in part; what is not of this merge is refused."""
    parts = [shard(capsys, tmp_path / str(i), i, 2) for i in (1, 2)]
    assert contourbench(capsys, "merge", *parts, "--out", tmp_path / "calm")[0] == 0
    out, writes = tmp_path / "out", []

    def write(path, data):
        path.parent.mkdir(parents=True, exist_ok=True)
        if len(writes) == left:
            path.with_name(f".{path.name}.tmp").write_bytes(data[:9])
            raise KeyboardInterrupt
        writes.append(path)
        path.write_bytes(data)

    monkeypatch.setattr(merge, "write_bytes", write)
    monkeypatch.setattr(journal, "write_bytes", write)
    monkeypatch.setattr(atomic, "write_bytes", write)
    assert contourbench(capsys, "merge", *parts, "--out", out)[0] == 130
    monkeypatch.undo()
    assert not (out / "scores.json").exists()
    assert "not empty" in fails(capsys, "merge", parts[1], "--out", out)
    assert contourbench(capsys, "merge", *parts, "--out", out)[0] == 0
    assert contents(out) == contents(tmp_path / "calm")


DETECT = """
def detect(image):
    if image[0, 0, 0] == BAD:
        raise RuntimeError("no edges today")
    return image[..., 0] / 255.0
"""


def test_neither_failed_nor_mixed_code_is_merged_or_compared(capsys, tmp_path, folder):
    (tmp_path / "edges_of_mine.py").write_text(DETECT.replace("BAD", "-1"))
    run = ("run", "edges_of_mine:detect", "--data", folder, "--workers", 2)  # in processes that import it anew
    for i in (1, 2):
        assert contourbench(capsys, *run, "--out", f"p{i}", "--shard", f"{i}/2")[0] == 0
    (tmp_path / "edges_of_mine.py").write_text(DETECT.replace("BAD", "-2"))
    assert contourbench(capsys, *run, "--out", "p2", "--shard", "2/2")[0] == 0
    parts = [tmp_path / f"p{i}" / "edges_of_mine-detect" for i in (1, 2)]
    assert "another version of the detector" in fails(capsys, "merge", *parts, "--out", "m")
    bad = int(read_picture(folder / "images" / "a.png")[0, 0, 0])
    (tmp_path / "edges_of_mine.py").write_text(DETECT.replace("BAD", str(bad)))
    assert contourbench(capsys, *run, "--out", "p1", "--shard", "1/2")[0] == 1
    assert "not a finished run" in fails(capsys, "merge", parts[0], "--out", "m")
    assert "not a finished run" in fails(capsys, "compare", *parts)
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/2/3", "-1/2"])
def test_wrong_shards(capsys, tmp_path, text):
    assert "expected I/N" in fails(capsys, "run", "sobel", f"--shard={text}", "--out", tmp_path)


def test_more_shards_than_images(capsys, tmp_path):
    run = ("run", "sobel", "--limit", 2, "--shard", "3/4", "--out", tmp_path)
    assert "there are only 2 images" in fails(capsys, *run)
