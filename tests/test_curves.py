"""The precision–recall figure: whose lines, which labels, solid or dashed."""

from pathlib import Path

import numpy as np
import pytest
from command import contourbench, fails
from contourbench.bench.report import curves
from contourbench.bench.report.lines import curve_line, strokes
from contourbench.bench.report.published import published_curves
from contourbench.eval.metrics import Curve
from toy import read_picture

TEST = Path(__file__).resolve().parents[1] / "results" / "bsds500-test"


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
    assert "--dashed x: no such run or label (there are: sobel, canny, felz" in fails(capsys, *figure, "--dashed", "x")
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


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_legend_and_table_have_the_same_order(capsys, scenes, tmp_path, drawn):
    figure = ("curves", scenes, "--out", tmp_path / "f.pdf")
    for options in ((), ("--best-first",), ("--top", 2), ("--only", "canny", "sob*")):
        assert contourbench(capsys, *figure, *options)[0] == 0
        table = contourbench(capsys, "table", scenes, *options)[1].splitlines()[3:]
        assert legend(drawn[-1]) == [f"[F={line.split()[1]}] {line.split()[0]}" for line in table]


def test_published_curves_are_dotted_in_the_colour_of_their_twin(capsys, tmp_path, drawn):
    options = ("--only", "sobel", "canny", "--published", "Sobel", "HED")
    assert contourbench(capsys, "curves", TEST, *options, "--out", tmp_path / "f.pdf")[0] == 0
    lines = {line.get_label().partition("] ")[2]: line for line in drawn[0].axes[0].lines}
    assert lines["Sobel†"].get_color() == lines["sobel"].get_color()
    assert lines["HED†"].get_color() not in (lines["sobel"].get_color(), lines["canny"].get_color())
    assert lines["sobel"].get_linestyle() == "-"
    assert lines["Sobel†"].get_linestyle() == ":"
    assert legend(drawn[0]) == [
        "[F=.506] sobel",
        "[F=.610] canny",
        "[F=.539] Sobel†",
        "[F=.788] HED†",
        "[F=.803] human",
        "† as published",
    ]


def test_no_measured_line_looks_like_another_or_like_a_published_one():
    curve = Curve(*np.ones((4, 2)))
    lines = [curve_line(str(i), curve) for i in range(28)]
    found = [(stroke.colour, str(stroke.style)) for stroke in strokes(lines)]
    assert len(set(found)) == 28
    published = strokes([line._replace(is_published=True) for line in lines[:12]])
    assert not {style for _, style in found} & {str(stroke.style) for stroke in published}


@pytest.mark.parametrize("width", [3.3, 4.8, 6.9])
@pytest.mark.parametrize("options", [("--top", 3), ("--top", 12), ("--published", "*")], ids=["3", "12", "28"])
def test_the_legend_leaves_two_thirds_to_the_curves(capsys, tmp_path, drawn, width, options):
    assert contourbench(capsys, "curves", TEST, *options, "--width", width, "--out", tmp_path / "f.pdf")[0] == 0
    (figure,) = drawn
    figure.set_dpi(200)  # as it is saved; letters are wider on a coarse grid
    figure.draw_without_rendering()
    box, whole = figure.legends[0].get_window_extent(), figure.bbox
    assert min(box.width / whole.width, box.height / whole.height) <= 0.34
    for artist in (figure.legends[0], figure.axes[0].yaxis.label, figure.axes[0].xaxis.label):
        inside = artist.get_window_extent()
        assert inside.x0 >= whole.x0 - 1 and inside.x1 <= whole.x1 + 1, artist
        assert inside.y0 >= whole.y0 - 1 and inside.y1 <= whole.y1 + 1, artist
    axes = figure.axes[0].get_window_extent()
    assert not axes.overlaps(box)
    assert figure.get_figwidth() == width


def test_the_options_of_the_figure(capsys, scenes, tmp_path):
    def size(*options):
        assert contourbench(capsys, "curves", scenes, "--out", tmp_path / "f.png", *options)[0] == 0
        return read_picture(tmp_path / "f.png").shape[:2]

    high, wide = size()
    assert size("--dpi", 100) == (high // 2, wide // 2)
    assert size("--columns", 1)[0] > high
    assert "--columns 0" in fails(capsys, "curves", scenes, "--columns", 0)
    assert "--dpi 9" in fails(capsys, "curves", scenes, "--dpi", 9)


def test_letters_are_letters_and_the_bytes_the_same(capsys, scenes, tmp_path):
    for name in ("a.pdf", "b.pdf", "a.svg", "b.svg", "a.png", "b.png"):
        assert contourbench(capsys, "curves", scenes, "--out", tmp_path / name)[0] == 0
    for suffix in ("pdf", "svg", "png"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()
    pdf = (tmp_path / "a.pdf").read_bytes()
    assert b"/Type3" not in pdf and b"/Subtype /Type3" not in pdf
    assert b"/CIDFontType2" in pdf or b"/TrueType" in pdf
    assert ">Precision</text>" in (tmp_path / "a.svg").read_text()


def test_a_legend_too_large_is_said(capsys, tmp_path, drawn):
    labels = ("--labels", *[f"{'long ' * 40}{i}" for i in range(17)])
    code, _, err = contourbench(capsys, "curves", TEST, *labels, "--width", 3.3, "--out", tmp_path / "f.pdf")
    assert code == 0
    assert "of the figure; choose fewer curves by --only or --top, or shorter --labels" in err
