"""New weights are noticed: files that parameters name; and what is kept is said."""

from pathlib import Path

import numpy as np
import pytest
from command import contourbench
from contourbench.bench.methods.fingerprint import named_files
from contourbench.bench.methods.names import parse_detector
from contourbench.bench.methods.spelling import split_name

WEIGHTED = """
import numpy as np
def detect(image, weights="w.npy", folder=""):
    return image[..., 0] / 255 * np.load(weights)
"""


@pytest.fixture
def weighted(folder):
    (folder.parent / "weighted_mod.py").write_text(WEIGHTED)
    np.save("w.npy", np.float64(0.5))
    Path("sub-1").mkdir()
    np.save("sub-1/w.2.npy", np.float64(0.5))
    return folder


@pytest.mark.parametrize(
    ("spec", "file"),
    [("weighted_mod:detect", "w.npy"), ("weighted_mod:detect(weights=sub-1/w.2.npy)", "sub-1/w.2.npy")],
)
def test_new_weights_are_noticed_and_old_results_told_from_new(capsys, weighted, appended, spec, file):
    run = ("run", spec, "--data", weighted, "--out", "o")
    assert "unchanged" not in contourbench(capsys, *run)[2]
    kept = contourbench(capsys, *run)[2].splitlines()[3]
    assert kept.startswith("weighted_mod:detect")
    assert kept.endswith(": 3 unchanged, kept (--fresh computes anew)")
    appended.clear()
    np.save(file, np.float64(0.9))
    code, _, err = contourbench(capsys, *run)
    assert (code, appended) == (0, ["a", "b", "c"])
    assert "unchanged" not in err


def test_what_a_parameter_names(weighted):
    held = lambda **params: named_files(params)  # noqa: E731
    assert held(weights="no-such.npy", level=2.0, name="sobel", none=None, long="x" * 5000) == []
    assert held(place=".", above="..") == []  # places to work in
    (file,) = held(weights="w.npy")
    assert held(other="w.npy") != [file]
    before = held(model=Path("sub-1"))
    assert len(before) == 1
    Path("sub-1/deeper").mkdir()
    Path("sub-1/deeper/config").write_text("a")
    assert len(held(model="sub-1")) == 2
    Path("sub-1/w.2.npy").touch()
    assert held(model="sub-1")[-1] == before[0]  # contents, not dates


def test_a_parameter_that_names_no_file_changes_no_fingerprint(weighted):
    """So that results from before are kept."""
    assert parse_detector("sobel(space=lab)").fingerprint == _with_folder("lab", "sobel(space=lab)")
    assert parse_detector("weighted_mod:detect(folder=lab)").fingerprint != _with_folder(
        "other", "weighted_mod:detect(folder=other)"
    )


def _with_folder(name, spec):
    Path(name).mkdir()
    Path(name, "x").write_text("x")
    return parse_detector(spec).fingerprint


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("w.npy", "w.npy"),
        ("runs/a-1/w.pt", "runs/a-1/w.pt"),
        ("../w.pt", "../w.pt"),
        ("~/w.pt", "~/w.pt"),
        ("C:\\nets\\w.pt", "C:\\nets\\w.pt"),
        ("'a, b=c'", "a, b=c"),
        ("[1, 2]", [1, 2]),
        ("(1, 'x')", (1, "x")),
        ("-1e-3", -0.001),
        ("2024-01-02", "2024-01-02"),
        ("word", "word"),
        ("True", True),
    ],
)
def test_values_need_no_quotes(text, value):
    assert split_name(f"m:f(a={text}, b=2)") == ("m:f", {"a": value, "b": 2})
    assert split_name(f"m:f( a = {text} ,)") == ("m:f", {"a": value})
