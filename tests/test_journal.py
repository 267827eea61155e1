"""The file of records: appended line by line, the last line of an id wins, a torn line is none."""

import json

import pytest
from command import contents, contourbench, edit_record, fails, records
from contourbench.bench.runs.journal import (
    LEFT_OUT,
    NAME,
    Appender,
    damaged_lines,
    line_of,
    read_line,
    read_lines,
    settle,
)
from contourbench.bench.runs.records import Record


def line(item_id, **values):
    return line_of({"id": item_id, **values})


def test_the_last_line_of_an_id_wins(tmp_path):
    with Appender(tmp_path) as journal:
        for one in (line("b", n=1), line("a", n=1), line("b", n=2)):
            journal.append(one)
    assert {i: json.loads(text)["n"] for i, text in read_lines(tmp_path).items()} == {"b": 2, "a": 1}
    settle(tmp_path, ["a", "b"])
    assert (tmp_path / NAME).read_text() == f"{line('a', n=1)}\n{line('b', n=2)}\n"


@pytest.mark.parametrize("torn", [b"{", b'{"id": "b", "n": 1}', '{"id": "ü'.encode()[:-1]])
def test_a_torn_line_is_ignored_and_cut_off_by_the_next(tmp_path, torn):
    (tmp_path / NAME).write_bytes(f"{line('a')}\n".encode() + torn)
    assert list(read_lines(tmp_path)) == ["a"]
    assert damaged_lines(tmp_path) == []
    with Appender(tmp_path) as journal:
        journal.append(line("b", n=2))
    assert (tmp_path / NAME).read_text() == f"{line('a')}\n{line('b', n=2)}\n"


def test_one_line_is_that_of_all_lines(tmp_path):
    """Also where another record speaks of the id, and in folders of older versions."""
    (tmp_path / "counts").mkdir()
    for item_id in ("a", "old"):
        (tmp_path / f"counts/{item_id}.json").write_text(line(item_id, n=0))
    (tmp_path / LEFT_OUT).write_text(line("c") + "\n")
    (tmp_path / NAME).write_text(f"{line('a', n=1)}\n{line('b', near='a')}\n{line('a', n=2)}\n{line('ü')}\n")
    for item_id in ("a", "b", "c", "old", "ü", "none"):
        assert read_line(tmp_path, item_id) == read_lines(tmp_path).get(item_id)
    assert settle(tmp_path, ["b"]) == read_lines(tmp_path)


def test_an_appender_that_appends_nothing_touches_nothing(tmp_path):
    with Appender(tmp_path / "none"):
        pass
    assert not (tmp_path / "none").exists()


def test_a_line_in_the_middle_that_is_no_record_is_named(tmp_path):
    (tmp_path / NAME).write_text(f"{line('a')}\n{{}}\n[NaN]\n{line('b')}\n")
    assert list(read_lines(tmp_path)) == ["a", "b"]
    assert damaged_lines(tmp_path) == [2, 3]


def test_records_of_images_that_were_not_asked_for_are_kept(tmp_path):
    """A run over fewer images neither loses the others' records nor mixes them with its own."""
    with Appender(tmp_path) as journal:
        for i in "abc":
            journal.append(line(i))
    settle(tmp_path, ["b"])
    assert (tmp_path / NAME).read_text() == line("b") + "\n"
    assert set(read_lines(tmp_path)) == {"a", "b", "c"}
    settle(tmp_path, ["a", "b", "c"])
    assert not (tmp_path / LEFT_OUT).exists()


def test_fewer_images_and_more_again(capsys, folder, appended):
    run = ("run", "sobel", "--data", folder, "--out", "o")
    assert contourbench(capsys, *run)[0] == 0
    calm = contents("o")
    assert contourbench(capsys, *run, "--limit", 2)[0] == 0
    assert set(records("o/sobel")) == {"a", "b"}
    assert contourbench(capsys, *run)[0] == 0
    assert appended == ["a", "b", "c"]  # once, by the first
    assert contents("o") == calm


def test_folders_of_older_versions_are_read_and_become_lines(capsys, folder, appended):
    """They have a file per image, ``counts/<id>.json``."""
    run = ("run", "sobel", "--data", folder, "--out", "o")
    assert contourbench(capsys, *run)[0] == 0
    calm, table = contents("o"), contourbench(capsys, "table", "o")[1]
    (folder.parent / "o/sobel/counts").mkdir()
    for image_id, record in records("o/sobel").items():
        (folder.parent / f"o/sobel/counts/{image_id}.json").write_text(json.dumps(record) + "\n")
    (folder.parent / "o/sobel" / NAME).unlink()
    assert contourbench(capsys, "table", "o")[1] == table
    assert "ok, 3 images" in contourbench(capsys, "verify", "o", "--data", folder)[1]
    appended.clear()
    assert contourbench(capsys, *run)[0] == 0
    assert appended == []
    assert contents("o") == calm


def test_a_record_is_read_back_as_it_was(scenes):
    for detector in ("canny", "felzenszwalb"):
        for text in read_lines(scenes / detector).values():
            assert Record.from_line(text).line() == text


def test_a_record_that_is_missing_is_named(capsys, folder):
    assert contourbench(capsys, "run", "sobel", "--data", folder, "--out", "o")[0] == 0
    edit_record("o/sobel", "b", None)
    assert "counts.jsonl: b missing or damaged; run or score again" in fails(capsys, "curves", "o")
