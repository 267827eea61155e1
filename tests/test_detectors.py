from urllib.parse import unquote

import numpy as np
import pytest
from contourbench.bench.errors import UserError
from contourbench.bench.methods.names import describe, known_detectors, parse_detector
from contourbench.bench.runs.results import folder_name


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("canny", "canny"),
        ("canny()", "canny"),
        ("sobel(sigma=2)", "sobel(sigma=2)"),
        ("sobel( nms = True, sigma=2.0 )", "sobel(sigma=2, nms=True)"),
        ("sobel(sigma=0)", "sobel"),
        ("sobel(space=lab)", "sobel(space=lab)"),
        ("sobel(space='lab')", "sobel(space=lab)"),
        ("contourbench.baselines.gradient:roberts", "contourbench.baselines.gradient:roberts"),
    ],
)
def test_a_name_that_prints_is_a_name_that_parses(spec, name):
    detector = parse_detector(spec)
    assert detector.name == name
    assert parse_detector(detector.name) == detector
    assert "/" not in folder_name(name)
    assert detector(np.zeros((4, 5, 3), np.uint8)).shape == (4, 5)


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("sobel(sigma=2, nms=True)", "sobel(sigma=2,nms=True)"),
        ("my.mod:f(w='a/b')", "my.mod-f(w=%27a%2Fb%27)"),
        ("ours 2", "ours%202"),
        ("console", "console"),
        # What Windows cannot have.
        ("ours.", "ours%2E"),
        ("Con", "%43on"),
        ("nul", "%6eul"),
        ("aux.new", "%61ux.new"),
        ("lpt1", "%6cpt1"),
    ],
)
def test_names_as_folders(name, folder):
    assert folder_name(name) == folder
    assert folder_name(unquote(folder).replace("-", ":") if ":" in name else unquote(folder)) == folder


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("cany", "detector 'cany': unknown; did you mean canny\\?"),
        ("zzz", "unknown \\(known: canny, cnf"),
        ("canny(sigm=2)", "no parameter 'sigm'; did you mean sigma\\? \\(it has: sigma, ratio\\)"),
        ("roberts(sigma=2)", "it has: none"),
        ("canny(sigma=big)", "parameter sigma: 'big', expected float"),
        ("sobel(nms=1)", "parameter nms: 1, expected bool"),
        ("canny(2)", "cannot read the parameters"),
        ("canny(sigma=2", "expected name"),
        ("canny(sigma=2, sigma=3)", "cannot read the parameters"),
        ("canny(sigma=__import__('os'))", "cannot read the parameters"),
        ("../x", "expected name"),
        ("no.such:thing", "no module 'no'"),
        ("contourbench.baselines.canny:cany", "no function 'cany'; did you mean canny\\?"),
    ],
)
def test_mistakes_are_explained(spec, message):
    with pytest.raises(UserError, match=message):
        parse_detector(spec)


def test_a_users_function_from_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "my_edges.py").write_text("def detect(image, level=0.5):\n    return image[..., 0] / 255 * level\n")
    monkeypatch.chdir(tmp_path)
    detector = parse_detector("my_edges:detect(level=1)")
    assert detector.name == "my_edges:detect(level=1)"
    assert folder_name(detector.name) == "my_edges-detect(level=1)"
    before = detector.fingerprint
    assert before == parse_detector("my_edges:detect(level=1.0)").fingerprint
    assert before != parse_detector("my_edges:detect").fingerprint
    source = (tmp_path / "my_edges.py").read_text()
    (tmp_path / "my_edges.py").write_text(source.replace("    return", '    """Say it."""\n    # why\n    return'))
    assert before == parse_detector("my_edges:detect(level=1)").fingerprint
    (tmp_path / "my_edges.py").write_text("def detect(image, level=0.5):\n    return image[..., 1] / 255 * level\n")
    assert before != parse_detector("my_edges:detect(level=1)").fingerprint


def test_settings_have_two_spellings():
    assert parse_detector("felzenszwalb(soft)") == parse_detector("felzenszwalb_soft")
    spelt = parse_detector("mean_shift( soft , settings='7_9_400')")
    assert spelt.name == "mean_shift_soft(settings='7_9_400')"
    assert spelt.sweep.name == "mean_shift(settings='7_9_400')"
    with pytest.raises(UserError, match="cannot read the parameters"):
        parse_detector("felzenszwalb(softer)")


def test_a_detector_whose_library_is_missing_is_still_listed(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    monkeypatch.delitem(__import__("sys").modules, "contourbench.cnf_contours.clustering.dfc", raising=False)
    assert "needs 'torch', which is not installed" in describe("dfc")


def test_descriptions():
    assert describe("canny").startswith("canny(sigma=")
    assert all(describe(name).count("\n") == 0 for name in known_detectors())


def install(folder, package, **detectors):
    """What pip would leave behind of a package with these entry points."""
    about = folder / f"{package}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = [f"{name} = {target}" for name, target in detectors.items()]
    (about / "entry_points.txt").write_text("\n".join(["[contourbench.detectors]", *lines]) + "\n")
    (folder / f"{package}.py").write_text("def detect(image):\n    '''Red.'''\n    return image[..., 0] / 255\n")


@pytest.fixture
def packages(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    install(tmp_path, "reds", red="reds:detect", canny="reds:detect", double="reds:detect")
    install(tmp_path, "more_reds", double="more_reds:detect")


def test_detectors_of_installed_packages(packages):
    assert known_detectors()["red"] == "reds:detect"
    assert parse_detector("red").target == "reds:detect"
    assert describe("red") == "red()  Red."


def test_a_name_of_a_built_in_detector_is_that_and_the_other_is_told(packages, caplog):
    assert parse_detector("canny(sigma=2)").target == "contourbench.baselines.canny:canny"
    assert "detector canny: this is the built-in one; an installed package has reds:detect, which" in caplog.text
    assert parse_detector("reds:detect").target == "reds:detect"


def test_a_name_of_two_packages_is_refused(packages):
    said = "detector double: the name of more_reds:detect and reds:detect of installed packages; name one"
    with pytest.raises(UserError, match=said):
        parse_detector("double")
    assert describe("double").startswith(f"double  not available: {said}")
    assert parse_detector("more_reds:detect").target == "more_reds:detect"
