"""The HTML page: its numbers are the counts', it needs nothing else, and a browser shows it by mouse and keyboard."""

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from command import contourbench
from contourbench.bench.datasets.opening import open_dataset
from contourbench.bench.errors import UserError
from contourbench.bench.report.matches import match_kinds, match_pixels
from contourbench.bench.report.page import write_page
from contourbench.bench.report.page_images import MOST_PICTURES, png_uri
from contourbench.eval.counting import pool
from contourbench.eval.metrics import pr_curve
from contourbench.eval.protocol import BoundaryProtocol
from page_parts import EVIL, embedded, load, match_pictures, picture
from toy import write_maps

ROOT = Path(__file__).resolve().parents[1]


class Elements(HTMLParser):
    """All elements with their attributes, and the text outside script and style."""

    def __init__(self, path):
        super().__init__()
        self.elements, self.text, self._raw = [], [], None
        self.feed(path.read_text())
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._raw = tag if tag in ("script", "style") else None

    def handle_endtag(self, tag):
        self._raw = None

    def handle_data(self, data):
        if self._raw is None:
            self.text.append(data)


def test_curves_are_those_of_the_counts(scenes, page):
    curves = {curve["name"]: curve for curve in embedded(page)["curves"]}
    for run in load(scenes):
        expected = pr_curve(pool(run.counts.values()))
        seen = expected.precision + expected.recall > 0
        found = curves[run.name]
        assert found["precision"] == pytest.approx(expected.precision[seen], abs=5e-6)
        assert found["recall"] == pytest.approx(expected.recall[seen], abs=5e-6)
        assert len(found["at"]) == seen.sum()
    assert curves["canny"]["at"][0] == "threshold 0.1"
    sweep = next(run for run in load(scenes) if run.settings)
    drawn = pool(sweep.counts.values()).cnt_p > 0
    assert curves[sweep.name]["at"] == [
        f"setting {name}" for name, keep in zip(sweep.settings, drawn, strict=True) if keep
    ]


def test_pictures_are_what_the_benchmark_counts(scenes, page):
    browser, protocol = embedded(page)["browser"], BoundaryProtocol(thresholds=9)
    runs, data = {run.name: run for run in load(scenes)}, open_dataset("scenes")
    assert sorted(image["id"] for image in browser["images"]) == list(data.ids[:3])
    for image in browser["images"]:
        truth = data.ground_truth(image["id"])
        assert picture(image["photo"]).shape == (*truth.shape[1:], 4)
        grey = picture(image["truth"])[..., 0]
        assert np.array_equal(grey, np.rint(255 * (1 - truth.sum(axis=0) / len(truth))))
        for detector, made in zip(browser["detectors"], image["made"], strict=True):
            counts = runs[detector["name"]].counts[image["id"]]
            assert made["f"] == pytest.approx(pr_curve(counts).f, abs=5e-6)
            assert len(made["drawn"]) <= MOST_PICTURES
            assert np.argmax(pr_curve(counts).f) in made["drawn"]
            for stop, pixels in match_pictures(made).items():
                ink, hit = pixels[..., 3] > 0, np.all(pixels[..., :3] == 0, axis=2)
                assert np.count_nonzero(ink & hit) == counts.cnt_p[stop]
                orange = np.all(pixels[..., :3] == (213, 94, 0), axis=2)
                assert np.count_nonzero(orange) == counts.sum_p[stop] - counts.cnt_p[stop]
        # a contour map binarised at a stop is exact
        made = image["made"][[d["name"] for d in browser["detectors"]].index("canny")]
        soft = np.load(scenes / "canny" / "maps" / f"{image['id']}.npy")
        for k, level in enumerate(protocol.levels()):
            assert np.array_equal(picture(made["map"])[..., 0] > k, soft >= level)


def test_images_are_spread_from_worst_to_best(scenes, tmp_path):
    write_page(load(scenes), open_dataset("scenes"), tmp_path / "p.html", 2)
    browser, runs = embedded(tmp_path / "p.html")["browser"], {run.name: run for run in load(scenes)}
    best = runs[browser["detectors"][0]["name"]]
    assert best.name == "felzenszwalb"
    f = {image_id: pr_curve(counts).f.max() for image_id, counts in best.counts.items()}
    assert [image["id"] for image in browser["images"]] == [min(f, key=f.get), max(f, key=f.get)]


def test_same_results_give_the_same_bytes(scenes, page, tmp_path):
    write_page(load(scenes), open_dataset("scenes"), tmp_path / "again.html", 3)
    assert (tmp_path / "again.html").read_bytes() == page.read_bytes()


def test_nothing_outside_is_referred_to(page):
    parsed = Elements(page)
    for tag, attributes in parsed.elements:
        assert tag not in ("iframe", "object", "embed", "base", "audio", "video")
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#")), (tag, attributes)
        assert not any(name.startswith("on") or name == "style" for name in attributes)
    assert "url(" not in page.read_text()
    assert "@import" not in page.read_text()
    (policy,) = [a["content"] for t, a in parsed.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy


def test_names_cannot_break_out(capsys, tmp_path, folder):
    maps = write_maps(tmp_path / "maps")
    assert (
        contourbench(capsys, "score", maps, "--data", folder, "--name", EVIL, "--out", "o", "--thresholds", 9)[0] == 0
    )
    assert (
        contourbench(capsys, "score", maps, "--data", folder, "--name", "plain", "--out", "p", "--thresholds", 9)[0]
        == 0
    )
    out = tmp_path / "page.html"
    write_page(load("o") + load("p"), open_dataset(str(folder)), out, 2)
    parsed, data = Elements(out), embedded(out)
    assert [tag for tag, _ in parsed.elements].count("script") == 2
    assert "<script>alert" not in out.read_text()
    assert EVIL in parsed.text
    assert EVIL in [curve["name"] for curve in data["curves"]]
    assert data["browser"]["detectors"][0]["name"] == EVIL
    assert [a["data-value"] for t, a in parsed.elements if t == "th" and a.get("scope") == "row"] == [EVIL, "plain"]


def test_how_it_was_made_is_said(scenes, page):
    text, meta = " ".join(Elements(page).text), load(scenes)[0].meta
    for needle in (
        "9 thresholds",
        "0.0075 of the image diagonal (2.16 px at 240×160)",
        "scenes, test: 3 images",
        meta["finished"][:10],
        f"numba {meta['versions']['numba']}",
    ):
        assert needle in text


def test_without_data_there_are_no_pictures(scenes, tmp_path):
    write_page(load(scenes), None, tmp_path / "p.html")
    assert "browser" not in embedded(tmp_path / "p.html")
    assert not [a for t, a in Elements(tmp_path / "p.html").elements if a.get("id") == "images"]


def test_published_rows_and_human_only_beside_all_of_bsds500(page, tmp_path):
    write_page(load(ROOT / "results" / "bsds500-test"), None, tmp_path / "p.html")
    data, parsed = embedded(tmp_path / "p.html"), Elements(tmp_path / "p.html")
    assert data["human"] == [0.7235, 0.9014]
    assert [c["published"] for c in data["curves"]] == sorted(c["published"] for c in data["curves"])
    assert "HED (published)" in [curve["name"] for curve in data["curves"]]
    classes = [a.get("class") for t, a in parsed.elements if t == "tr"]
    assert {"measured", "published"} <= set(classes)
    assert "yun-liu/plot-edge-pr-curves" in parsed.text
    assert "(4.34 px at 481×321)" in " ".join(parsed.text)
    assert "human" not in embedded(page)
    assert "published" not in [a.get("class") for t, a in Elements(page).elements]


def test_the_best_measured_score_is_bold(page):
    rows = re.findall(r'<tr class="measured">.*?</tr>', page.read_text())
    (best,) = [row for row in rows if 'data-value="felzenszwalb"' in row]
    assert "<strong>" in best
    for column in range(4):
        cells = [re.findall(r"<td[^>]*>(.*?)</td>", row)[column] for row in rows]
        highest = max(cells, key=lambda cell: float(re.sub("<.*?>", "", cell)))
        assert [cell for cell in cells if "strong" in cell] == [highest]


def test_a_sweeps_and_a_hierarchys_maps(capsys, tmp_path, folder):
    for kind in ("segs", "ucm2"):
        maps = write_maps(tmp_path / kind, kind=kind)
        score = ("score", maps, "--data", folder, "--name", kind, "--out", f"o/{kind}", "--thresholds", 9)
        assert contourbench(capsys, *score)[0] == 0
    write_page(load("o"), open_dataset(str(folder)), tmp_path / "p.html", 2)
    browser = embedded(tmp_path / "p.html")["browser"]
    sweep = [d["name"] for d in browser["detectors"]].index("segs")
    assert browser["detectors"][sweep]["stops"] == ["setting 1", "setting 2"]
    assert browser["images"][0]["made"][sweep]["drawn"] == [0, 1]


def test_suppression_and_inversion_of_the_run_are_repeated(capsys, tmp_path, folder):
    """The maps are black on white and not thin; the pictures are of what was counted."""
    maps = write_maps(tmp_path / "maps")
    for path in maps.iterdir():
        np.save(path, 1 - np.load(path))
    options = ("--invert", "--nms", "hed", "--thresholds", 9, "--out", "o")
    assert contourbench(capsys, "score", maps, "--data", folder, *options)[0] == 0
    write_page(load("o"), open_dataset(str(folder)), tmp_path / "p.html", 3)
    for image in embedded(tmp_path / "p.html")["browser"]["images"]:
        counts = load("o")[0].counts[image["id"]]
        for stop, pixels in match_pictures(image["made"][0]).items():
            hits = (pixels[..., 3] > 0) & np.all(pixels[..., :3] == 0, axis=2)
            assert np.count_nonzero(hits) == counts.cnt_p[stop]


def test_a_value_on_a_threshold_reaches_it(tmp_path, capsys, folder):
    levels = BoundaryProtocol(thresholds=9).levels()
    soft = np.resize(np.concatenate([[0], levels]), (24, 32))
    for image_id in "abc":
        (tmp_path / "maps").mkdir(exist_ok=True)
        np.save(tmp_path / "maps" / f"{image_id}.npy", soft)
    assert contourbench(capsys, "score", "maps", "--data", folder, "--thresholds", 9, "--out", "o")[0] == 0
    write_page(load("o"), open_dataset(str(folder)), tmp_path / "p.html", 1)
    steps = picture(embedded(tmp_path / "p.html")["browser"]["images"][0]["made"][0]["map"])[..., 0]
    assert np.array_equal(steps, np.resize(np.arange(10), (24, 32)))


def test_more_thresholds_than_bits(tmp_path, capsys, folder):
    maps = write_maps(tmp_path / "maps")
    assert contourbench(capsys, "score", maps, "--data", folder, "--thresholds", 999, "--out", "o")[0] == 0
    write_page(load("o"), open_dataset(str(folder)), tmp_path / "p.html", 1)
    browser = embedded(tmp_path / "p.html")["browser"]
    image, stops = browser["images"][0], browser["detectors"][0]["stops"]
    assert (len(stops), stops[0], stops[-1]) == (255, "threshold 0.001", "threshold 0.999")
    counts, made = load("o")[0].counts[image["id"]], image["made"][0]
    for stop, pixels in match_pictures(made).items():
        k = list(np.rint(1000 * counts.thresholds)).index(round(1000 * float(stops[stop].split()[1])))
        hits = (pixels[..., 3] > 0) & np.all(pixels[..., :3] == 0, axis=2)
        assert np.count_nonzero(hits) == counts.cnt_p[k]
        assert made["precision"][stop] == pytest.approx(pr_curve(counts).precision[k], abs=5e-6)


def test_png_keeps_every_value(random):
    for colours in (2, 4, 13, 256):
        indices = random.randint(0, colours, (7, 11))
        assert np.array_equal(picture(png_uri(indices, [(i,) * 3 for i in range(colours)]))[..., 0], indices)


def test_the_picture_of_matches_has_its_colours(scenes, page):
    """Kinds are 1, 2, 3 in the palette's order."""
    image = embedded(page)["browser"]["images"][0]
    made, data = image["made"][1], open_dataset("scenes")
    soft = np.load(scenes / embedded(page)["browser"]["detectors"][1]["name"] / "maps" / f"{image['id']}.npy")
    protocol = BoundaryProtocol(thresholds=9)
    kinds = match_kinds(match_pixels(soft, data.ground_truth(image["id"]), protocol.levels()[2], protocol))
    palette = np.array([(0, 0, 0, 0), (0, 0, 0, 255), (213, 94, 0, 255), (0, 114, 178, 255)])
    assert np.array_equal(match_pictures(made)[2], palette[kinds])


def test_mistakes_are_named(capsys, scenes, tmp_path, folder):
    runs, data = load(scenes), open_dataset("scenes")

    def refused(*arguments):
        with pytest.raises(UserError) as error:
            write_page(*arguments)
        assert "\n" not in str(error.value)
        return str(error.value)

    assert "a folder, expected a file ending in .html" in refused(runs, None, tmp_path)
    assert "expected a file ending in .html" in refused(runs, None, tmp_path / "p.pdf")
    assert "`images=0`: expected at least 1" in refused(runs, data, tmp_path / "p.html", 0)
    assert "no finished run" in refused([], None, tmp_path / "p.html")
    assert "another data set or split" in refused(runs, open_dataset(str(folder)), tmp_path / "p.html")
    assert "was counted with" in refused(runs, open_dataset("scenes", "val"), tmp_path / "p.html")
    copy = tmp_path / "copy"
    shutil.copytree(scenes, copy)
    image_id = load(copy)[0].meta["dataset"]["ids"][0]
    np.save(copy / "canny" / "maps" / f"{image_id}.npy", np.zeros((160, 240), np.float32))
    assert "not the map that was counted" in refused(load(copy), data, tmp_path / "p.html", 3)
    (copy / "canny" / "maps" / f"{image_id}.npy").unlink()
    assert f"no saved map of {image_id}" in refused(load(copy), data, tmp_path / "p.html", 3)
    for maps in copy.glob("*/maps"):
        shutil.rmtree(maps)
    assert "no maps are saved" in refused(load(copy), data, tmp_path / "p.html")
    assert contourbench(capsys, "run", "sobel", "--data", folder, "--out", tmp_path / "copy" / "other")[0] == 0
    assert "one data set and protocol" in refused(load(copy), None, tmp_path / "p.html")
    assert not (tmp_path / "p.html").exists()


# In a real browser, over the plain HTTP of the WebDriver protocol.


def test_command(capsys, scenes, tmp_path):
    code, out, err = contourbench(capsys, "page", scenes, "--out", tmp_path / "p.html")
    assert code == 0, err
    assert out == f"{tmp_path / 'p.html'}\n"
    assert {line["name"] for line in embedded(tmp_path / "p.html")["curves"]} >= {"canny", "sobel"}
