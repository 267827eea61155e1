"""The precision–recall figure: whose lines, which labels, solid or dashed."""

import numpy as np
import pytest
from command import contourbench, fails
from contourbench.bench.report import curves
from contourbench.bench.report.published import published_curves


@pytest.fixture
def drawn(monkeypatch):
    figures = []
    monkeypatch.setattr(curves, "save_figure", lambda figure, path, dpi: figures.append(figure))
    return figures


def lines(figure):
    """Label without F, and style, of each curve."""
    found = {line.get_label(): line.get_linestyle() for line in figure.axes[0].lines}
    return {label.partition("] ")[2]: style for label, style in found.items() if label.startswith("[F=")}


def test_the_parts_and_their_mean(capsys, scenes, tmp_path, drawn):
    """Figure 3.5 by one command, in the order of F."""
    figure = ("curves", scenes / "canny", scenes / "sobel", scenes / "felzenszwalb", "--out", tmp_path / "f.pdf")
    labels = ("--labels", "3 layers", "4 layers", "mean")
    assert contourbench(capsys, *figure, *labels, "--dashed", "3 layers", "4 layers")[0] == 0
    assert contourbench(capsys, *figure)[0] == 0
    parts, plain = (lines(figure) for figure in drawn)
    assert parts == {"3 layers": "--", "4 layers": "--", "mean": "-"}
    assert plain == {"canny": "-", "sobel": "-", "felzenszwalb": "-"}
    best = [float(line.get_label()[3:7]) for line in drawn[0].axes[0].lines if line.get_label().startswith("[F=")]
    assert best == sorted(best)


def test_mistakes(capsys, scenes):
    figure = ("curves", scenes)
    assert "--labels: 2 for 3 runs (canny, felzenszwalb, sobel)" in fails(capsys, *figure, "--labels", "a", "b")
    assert "--dashed x: no such run or label (there are: canny" in fails(capsys, *figure, "--dashed", "x")
    assert "--width 99" in fails(capsys, *figure, "--width", 99)


def test_published_curves_of_other_data_are_not_drawn_and_it_is_said(capsys, scenes, tmp_path, drawn):
    code, _, err = contourbench(capsys, "curves", scenes, "--published", "--out", tmp_path / "f.pdf")
    assert code == 0
    assert "published rows are of all of BSDS500 test" in err
    assert set(lines(drawn[0])) == {"canny", "sobel", "felzenszwalb"}


def test_published_curves_do_not_fall_to_nothing():
    for curve in published_curves():
        assert np.all(curve.precision + curve.recall > 0), curve.method
        assert len(curve.precision) > 10
