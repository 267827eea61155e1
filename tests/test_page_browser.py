"""The page in Debian's Chromium: apt-get install chromium chromium-driver."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from browser import Browser
from command import contourbench
from contourbench.bench.datasets.opening import open_dataset
from contourbench.bench.report.page import write_page
from contourbench.eval import BoundaryProtocol
from page_parts import EVIL, embedded, load
from toy import write_maps


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (binary and driver):
        pytest.skip("no chromium and chromedriver on the PATH: apt-get install chromium chromium-driver")
    with subprocess.Popen(
        [driver, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            started = (re.search(r"started successfully on port (\d+)", line) for line in process.stdout)
            port = next(found[1] for found in started if found)
            browser = Browser(f"http://127.0.0.1:{port}", binary, tmp_path_factory.mktemp("profile"))
            try:
                yield browser
            finally:
                browser.close()
        finally:
            process.terminate()


@pytest.fixture
def opened(chromium, page):
    """The page in the browser; at the end nothing may have gone wrong or been fetched."""
    chromium.open(page)
    chromium.resize(1280, 900)
    yield chromium
    assert chromium.log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in chromium.log("performance")]
    fetched = {e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"}
    assert {url for url in fetched if not url.startswith("data:")} == {page.as_uri()}


ORDER = "return [...document.querySelectorAll('#table tbody th')].map((head) => head.textContent)"
SORTED = "return [...document.querySelectorAll('#table thead th')].map((head) => head.getAttribute('aria-sort'))"
FOCUS = "const e = document.activeElement; return e.id || e.textContent"


def tab_to(browser, wanted):
    """Press Tab until something has the focus."""
    browser.run("document.activeElement.blur(); window.getSelection().removeAllRanges()")
    for _ in range(40):
        browser.press("Tab")
        if browser.run(FOCUS) == wanted:
            return
    pytest.fail(f"no way to {wanted} by Tab")


def test_clicking_a_column_sorts(opened):
    assert opened.run(ORDER) == ["sobel", "canny", "felzenszwalb"]
    opened.click("#table thead th:nth-child(2) button")
    assert opened.run(ORDER) == ["felzenszwalb", "canny", "sobel"]
    assert opened.run(SORTED) == ["none", "descending", "none", "none", "none", "none"]
    opened.click("#table thead th:first-child button")
    assert opened.run(ORDER) == ["canny", "felzenszwalb", "sobel"]
    assert opened.run(SORTED)[:2] == ["ascending", "none"]


def test_the_keyboard_reaches_and_sorts_a_column(opened):
    tab_to(opened, "ODS")
    opened.press("Enter")
    assert opened.run(ORDER)[0] == "felzenszwalb"
    outline = opened.run("return getComputedStyle(document.activeElement).outlineWidth")
    assert outline == "3px"


def test_arrow_keys_walk_along_the_curves(opened, page):
    curves = embedded(page)["curves"]
    tab_to(opened, "plot")
    seen = []
    for key in ("Right", "Left", "Right", "Down"):
        opened.press(key)
        seen.append(opened.run("return document.getElementById('readout').textContent"))
        assert seen[-1] == opened.run("return document.getElementById('plot').getAttribute('aria-valuetext')")
    names = [text.split(":")[0] for text in seen]
    assert names == [curves[0]["name"]] * 3 + [curves[1]["name"]]
    assert len(set(seen)) == 3  # left and right again is back
    for text, curve in ((seen[0], curves[0]), (seen[3], curves[1])):
        where = next(i for i, at in enumerate(curve["at"]) if f": {at}, precision" in text)
        p, r = curve["precision"][where], curve["recall"][where]
        numbers = [float(n) for n in re.findall(r"(?:precision|recall|F)\s([\d.]+)", text)]
        assert numbers == pytest.approx([p, r, 2 * p * r / (p + r)], abs=5.1e-4)


def test_pointing_at_a_curve_reads_it(opened, page):
    curve = embedded(page)["curves"][0]
    opened.run(
        """const plot = document.getElementById("plot"), dot = plot.querySelector("g circle").getBoundingClientRect();
        const at = { clientX: dot.x + dot.width / 2, clientY: dot.y + dot.height / 2 };
        plot.dispatchEvent(new PointerEvent("pointermove", at));"""
    )
    assert opened.run("return document.getElementById('readout').textContent").startswith(curve["name"])


def test_the_legend_hides_curves(opened):
    shown = "return [...document.querySelectorAll('#plot g')].map((g) => g.getAttribute('visibility'))"
    assert opened.run(shown) == ["visible"] * 3
    opened.click("#legend button")
    assert opened.run(shown) == ["hidden", "visible", "visible"]
    assert opened.run("return document.querySelector('#legend button').getAttribute('aria-pressed')") == "false"


MAP = """const map = document.getElementById("map");
const pixels = map.getContext("2d").getImageData(0, 0, map.width, map.height).data;
return pixels.reduce((black, value, i) => black + (i % 4 === 0 && value === 0), 0)"""


def test_the_slider_moves_by_keyboard(opened, page, scenes):
    browser = embedded(page)["browser"]
    names = [detector["name"] for detector in browser["detectors"]]
    opened.run(
        """const pick = document.getElementById("detector"); pick.selectedIndex = arguments[0];
        pick.dispatchEvent(new Event("change"))""",
        names.index("canny"),
    )
    text = "return document.getElementById('threshold-text').textContent"
    start = browser["detectors"][names.index("canny")]["start"]
    assert opened.run(text) == f"threshold 0.{start + 1}"
    tab_to(opened, "threshold")
    opened.press("Right")
    assert opened.run(text) == f"threshold 0.{start + 2}"
    opened.press("Left", "Left")
    assert opened.run(text) == f"threshold 0.{start}"
    assert f"0.{start}" in opened.run("return document.getElementById('matches-text').textContent")
    soft = np.load(scenes / "canny" / "maps" / f"{browser['images'][0]['id']}.npy")
    opened._send("/execute/async", {"script": "setTimeout(arguments[0], 300)", "args": []})  # the map is decoded
    assert opened.run(MAP) == np.count_nonzero(soft >= BoundaryProtocol(thresholds=9).levels()[start - 1])


def test_images_are_changed_by_button_and_key(opened, page):
    ids = [image["id"] for image in embedded(page)["browser"]["images"]]
    caption = "return document.getElementById('photo-text').textContent"
    assert opened.run(caption) == f"Image {ids[0]}"
    opened.click("#next")
    assert opened.run(caption) == f"Image {ids[1]}"
    tab_to(opened, "panels")
    opened.press("Right")
    assert opened.run(caption) == f"Image {ids[2]}"
    opened.press("Right", "Left", "Left")
    assert opened.run(caption) == f"Image {ids[1]}"


def test_a_narrow_window_needs_no_sideways_scrolling(opened):
    opened.resize(400, 800)
    assert opened.run("return document.documentElement.scrollWidth") <= 400


def test_a_hostile_name_does_nothing(chromium, capsys, tmp_path, folder):
    maps = write_maps(tmp_path / "maps")
    assert (
        contourbench(capsys, "score", maps, "--data", folder, "--name", EVIL, "--out", "o", "--thresholds", 9)[0] == 0
    )
    write_page(load("o"), open_dataset(str(folder)), tmp_path / "page.html", 2)
    chromium.open(tmp_path / "page.html")
    assert chromium.run(ORDER) == [EVIL]
    assert chromium.run("return document.querySelector('#legend button').textContent").endswith(EVIL)
    assert chromium.run("return document.querySelector('#detector').value") == EVIL
    assert chromium.log("browser") == []
