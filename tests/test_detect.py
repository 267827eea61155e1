"""`contourbench detect` and `detect`: contours and regions of anybody's pictures."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from command import contents, contourbench, fails
from contourbench.bench import detect
from contourbench.bench.errors import UserError
from contourbench.bench.files.images import read_grey, read_image
from contourbench.bench.files.pictures import as_picture, read_picture, unique_names
from contourbench.bench.files.predictions import find_predictions, read_prediction
from contourbench.bench.report.overlay import overlay
from PIL import Image
from toy import toy_image

RGB = toy_image(shape=(30, 40))
GREY = RGB[..., 0]
ORIENTATION = 274  # EXIF tag; 6 is to be turned by a quarter


def save(path, pixels, **options):
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    picture.save(path, **options)
    return path


def detected(capsys, *arguments, code=0):
    found, out, err = contourbench(capsys, "detect", "--detector", "canny", "--workers", "1", *arguments)
    assert found == code, err
    return out, err


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_files_of_a_picture(capsys):
    save("x.png", RGB)
    out, _ = detected(capsys, "x.png", "--regions", "--threshold", "0.1")
    assert out == "detected/contours/x.png\n"
    assert set(contents("detected")) == {"contours/x.png", "overlays/x.png", "regions/x.png", "ucm/x.npz"}
    expected = detect("x.png", "canny")
    stored = read_grey(Path("detected/contours/x.png"))
    assert stored.dtype == np.uint16
    np.testing.assert_allclose(stored / 65535, expected, atol=1e-5)
    np.testing.assert_array_equal(read_image(Path("detected/overlays/x.png")), overlay(RGB, expected))
    with Image.open("detected/regions/x.png") as picture:
        assert picture.mode == "P"
        labels = np.array(picture)
        colours = np.array(picture.convert("RGB"))
    np.testing.assert_array_equal(labels, detect("x.png", "canny", regions=True, threshold=0.1))
    np.testing.assert_allclose(colours[labels == 1][0], RGB[labels == 1].mean(axis=0), atol=0.51)
    hierarchy = read_prediction(Path("detected/ucm/x.npz"))
    assert len(np.unique(hierarchy.labels(0.1))) == labels.max() + 1


def test_what_is_written_is_read_by_score_and_convert(capsys):
    save("x.png", RGB)
    detected(capsys, "x.png", "--regions")
    for kind in ("contours", "ucm"):
        assert list(find_predictions(Path("detected") / kind)) == ["x"]
    assert contourbench(capsys, "convert", "detected/ucm", "mat", "--format", "mat")[0] == 0
    assert read_prediction(Path("mat/x.mat")).shape == GREY.shape


def test_a_large_picture_is_worked_on_small_and_told_so(capsys):
    save("x.png", np.repeat(np.repeat(RGB, 8, 0), 8, 1))
    _, err = detected(capsys, "x.png", "--side", "40")
    assert "x.png: 320 x 240, worked on at 40 x 30 (--side)" in err
    large = read_grey(Path("detected/contours/x.png"))
    assert large.shape == (240, 320)
    assert np.count_nonzero(large) < 16 * np.count_nonzero(detect(RGB, "canny"))  # lines: 8 times as many, not 64
    assert "worked on" not in detected(capsys, "x.png", "--out", "o")[1]


@pytest.mark.parametrize("detector", ["canny", "sobel", "felzenszwalb", "pmi_ucm(vectors=4,kernels=100)"])
def test_every_kind_of_detector(detector):
    large = np.repeat(np.repeat(RGB, 2, 0), 2, 1)
    contours = detect(large, detector, side=40)
    regions = detect(large, detector, side=40, regions=True, threshold=0.1)
    assert contours.shape == regions.shape == (60, 80)
    assert contours.dtype.kind == "f"
    assert contours.max() > 0.05
    assert len(np.unique(regions)) == regions.max() + 1 > 1


def test_a_portrait_turned_by_the_camera(capsys):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    save("x.png", RGB, exif=exif)
    np.testing.assert_array_equal(read_picture(Path("x.png")).pixels, np.rot90(RGB, -1))
    detected(capsys, "x.png")
    assert read_grey(Path("detected/contours/x.png")).shape == (40, 30)


@pytest.mark.parametrize(
    "pixels",
    [
        *(GREY, GREY[..., np.newaxis], np.dstack([GREY] * 3), GREY.astype(np.uint16) * 257, GREY / 255),
        *((GREY / 255).astype(np.float32), np.dstack([GREY, np.full_like(GREY, 255)])),
    ],
    ids=["grey", "one channel", "three", "16 bits", "float64", "float32", "opaque"],
)
def test_arrays_that_are_the_same_picture(pixels):
    before = pixels.copy()
    np.testing.assert_array_equal(as_picture(pixels).pixels, np.dstack([GREY] * 3))
    np.testing.assert_array_equal(detect(pixels, "sobel"), detect(np.dstack([GREY] * 3), "sobel"))
    np.testing.assert_array_equal(pixels, before)


def test_black_and_white():
    assert np.unique(as_picture(GREY > 100).pixels).tolist() == [0, 255]


def test_what_is_transparent_lies_on_white(capsys):
    clear = np.dstack([np.zeros_like(RGB), np.repeat([[0, 255, 51]], 30, 0).repeat([20, 10, 10], 1).astype(np.uint8)])
    assert [int(as_picture(clear).pixels[0, x, 0]) for x in (0, 25, 39)] == [255, 0, 204]
    save("x.png", clear)
    assert "x.png: transparent pixels put on white" in detected(capsys, "x.png")[1]
    save("y.png", np.dstack([RGB, np.full_like(GREY, 255)]))
    assert "white" not in detected(capsys, "y.png")[1]


def test_files_of_other_kinds(capsys):
    save("palette.png", Image.fromarray(RGB).quantize(8))
    save("palette.gif", Image.fromarray(RGB).quantize(8))
    save("deep.png", GREY.astype(np.uint16) * 257)
    save("bits.png", GREY > 100)
    save("grey.jpg", GREY)
    _, err = detected(capsys, ".")
    assert sorted(contents("detected/contours")) == [
        *("bits.png", "deep.png", "grey.png", "palette_gif.png", "palette_png.png"),
    ]
    assert "deep.png: 16 bits rounded to 8" in err


def test_one_bad_picture_does_not_lose_the_others(capsys):
    save("a.png", RGB)
    save("cmyk.jpg", Image.fromarray(RGB).convert("CMYK"))
    Path("broken.png").write_bytes(Path("a.png").read_bytes()[:200])
    Path("note.txt").write_text("no picture")
    save("z.png", RGB)
    out, err = detected(capsys, "cmyk.jpg", "broken.png", "note.txt", "a.png", "z.png", code=1)
    assert out.splitlines() == ["detected/contours/a.png", "detected/contours/z.png"]
    lines = [line for line in err.splitlines() if line.startswith("contourbench: ")]
    assert len(lines) == 4
    assert "cmyk.jpg: CMYK pixels, expected grey or RGB" in lines[0]
    assert "broken.png: cannot be read as an image" in lines[1]
    assert "note.txt: cannot be read as an image" in lines[2]
    assert "3 of 5 pictures failed; the others are done" in lines[3]
    assert sorted(contents("detected/contours")) == ["a.png", "z.png"]


def test_a_detector_that_fails_is_told_per_picture(capsys, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(tmp_path)
    Path("moody.py").write_text(
        "def detect(image):\n"
        "    if image.shape[0] > 30: raise RuntimeError('too tall')\n"
        "    return image[..., 0] / 255\n"
    )
    save("low.png", RGB)
    save("tall.png", np.rot90(RGB))
    code, _, err = contourbench(capsys, "detect", "low.png", "tall.png", "--detector", "moody:detect", "--workers", "1")
    assert code == 1
    assert "tall.png: moody:detect failed: RuntimeError: too tall" in err
    assert list(contents("detected/contours")) == ["low.png"]


def test_a_single_pixel():
    pixel = np.full((1, 1, 3), 90, np.uint8)
    assert detect(pixel, "canny").tolist() == [[0]]
    assert detect(pixel, "canny", regions=True).tolist() == [[0]]


def test_a_strip_and_the_smallest_side():
    assert detect(np.zeros((2, 900, 3), np.uint8), "canny", side=64).shape == (2, 900)


def test_two_pictures_of_one_stem(capsys):
    for folder in ("one", "two"):
        Path(folder).mkdir()
        save(f"{folder}/x.png", RGB)
    save("one/x.jpg", RGB)
    save("one/y.png", RGB)
    out, _ = detected(capsys, "one", "two", "one/y.png")
    assert out.splitlines() == [f"detected/contours/{n}.png" for n in ("x_jpg", "one_x_png", "y", "two_x_png")]


def test_names_are_unique_whatever_the_case():
    paths = [Path("a/x.png"), Path("a/X.png"), Path("b/x.png"), Path("c/b/x.png")]
    names = unique_names(paths)
    assert len({name.casefold() for name in names}) == len(paths)
    # a name that another picture has already is none to fall back on
    names = unique_names([Path("x.png"), Path("x.jpg"), Path("x_png.bmp")])
    assert len(set(names)) == 3


def test_nothing_is_overwritten_unasked(capsys):
    save("x.png", RGB)
    detected(capsys, "x.png")
    before = contents("detected")
    said = fails(capsys, "detect", "x.png", "--detector", "sobel")
    assert "detected/contours/x.png" in said
    assert "--overwrite, or another --out" in said
    assert contents("detected") == before
    assert contourbench(capsys, "detect", "x.png", "--detector", "sobel", "--overwrite", "--workers", "1")[0] == 0
    assert contents("detected") != before


def test_a_picture_is_never_overwritten(capsys):
    Path("contours").mkdir()
    save("contours/x.png", RGB)
    said = fails(capsys, "detect", "contours/x.png", "--out", ".", "--overwrite")
    assert "contours/x.png: is one of the pictures; choose another --out" in said


def test_unicode_paths_and_hidden_files(capsys):
    Path("Größe 照片").mkdir()
    save("Größe 照片/ärgerlich é.png", RGB)
    save("Größe 照片/.hidden.png", RGB)
    out, _ = detected(capsys, "Größe 照片", "--out", "aus")
    assert out == "aus/contours/ärgerlich é.png\n"


def test_workers_do_not_change_a_byte(capsys):
    for name in "abc":
        save(f"{name}.png", toy_image(ord(name), (30, 40)))
    names = ("a.png", "b.png", "c.png")
    for workers in ("1", "2"):
        options = ("--regions", "--workers", workers, "--out", workers)
        out = contourbench(capsys, "detect", *names, "--detector", "canny", *options)[1]
        assert [Path(line).name for line in out.splitlines()] == list(names)
    assert contents("1") == contents("2")


def test_many_regions_are_numbers_of_sixteen_bits(capsys):
    noise = np.random.RandomState(0).randint(0, 256, (120, 160, 3), dtype=np.uint8)
    save("x.png", noise)
    detected(capsys, "x.png", "--regions", "--threshold", "0")
    labels = read_grey(Path("detected/regions/x.png"))
    assert labels.dtype == np.uint16
    assert labels.max() + 1 == len(np.unique(labels)) > 256


def test_mistakes_of_a_user(capsys):
    save("x.png", RGB)
    Path("empty").mkdir()
    assert "xx.png: no such picture or folder; did you mean x.png?" in fails(capsys, "detect", "xx.png")
    assert "empty: a folder without pictures" in fails(capsys, "detect", "empty")
    assert "--threshold 2.0: expected a strength" in fails(capsys, "detect", "x.png", "--threshold", "2")
    assert "--side 3: expected at least 16 pixels" in fails(capsys, "detect", "x.png", "--side", "3")
    assert "did you mean canny?" in fails(capsys, "detect", "x.png", "--detector", "cany")
    assert "--workers 0" in fails(capsys, "detect", "x.png", "--detector", "canny", "--workers", "0")
    assert "no detector named here (canny)" in fails(
        capsys, "detect", "x.png", "--detector", "canny", "--device", "cpu"
    )
    assert not Path("detected").exists()


def test_without_torch_the_default_says_what_to_do(capsys, monkeypatch):
    from contourbench.bench.cli import detecting

    def refuse(options):
        raise UserError("detector consensus: its module needs 'torch', which is not installed")

    monkeypatch.setattr(detecting, "detectors_of", refuse)
    save("x.png", RGB)
    assert "pip install 'contourbench[cnf]'); --detector pmi_ucm needs none" in fails(capsys, "detect", "x.png")


def test_an_interruption_says_what_is_done(capsys, monkeypatch):
    from contourbench.bench.report import detected as module

    save("x.png", RGB)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "read_picture", interrupted)
    code, _, err = contourbench(capsys, "detect", "x.png", "--detector", "canny", "--workers", "1")
    assert code == 130
    assert "interrupted; 0 of 1 pictures are done; leave them out" in err


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((3, 30, 40)), "shape (3, 30, 40), expected (H, W), (H, W, 3) or (H, W, 4) (channels first?"),
        (np.zeros((0, 4)), "shape (0, 4)"),
        (np.zeros((2, 2, 5)), "shape (2, 2, 5)"),
        (np.full((2, 2), 200.0), "values from 200 to 200, expected floats in [0, 1] (8-bit values? as uint8)"),
        (np.full((2, 2), np.nan), "values from nan to nan"),
        (np.full((2, 2), -1.0), "values from -1 to -1, expected floats in [0, 1]"),
        (np.zeros((2, 2), np.int64), "int64 pixels, expected uint8, uint16, bool or float in [0, 1]"),
        (None, "shape ()"),
    ],
)
def test_arrays_that_are_no_picture(array, said):
    with pytest.raises(UserError) as caught:
        detect(array, "canny")
    assert str(caught.value).startswith("image: ")
    assert said in str(caught.value)


def test_a_foreign_file_is_named():
    with pytest.raises(UserError, match=r"^nosuch\.png: no such file"):
        detect("nosuch.png", "canny")


def test_the_overlay_fades_weak_contours_and_leaves_its_input():
    contours = np.zeros(GREY.shape, np.float32)
    contours[5], contours[10], contours[15] = 0.1, 0.5, 1.0
    assert overlay(RGB, contours).dtype == np.uint8
    before = RGB.copy()
    drawn = overlay(RGB, contours).astype(int)
    np.testing.assert_array_equal(RGB, before)
    assert abs(drawn[10] - drawn[15]).max() == 0
    light = overlay(RGB, np.zeros_like(contours)).astype(int)
    assert light.min() >= 140
    assert 0 < abs(drawn[5] - light[5]).max() < abs(drawn[10] - light[10]).max() / 8


def test_a_photograph_of_twelve_megapixels(capsys, bsds500):
    shutil.copy(bsds500 / "images/test/100007.jpg", "small.jpg")
    with Image.open("small.jpg") as photo:
        save("large.jpg", photo.resize((4000, 3000)))
    _, err = detected(capsys, "large.jpg", "--regions", "--threshold", "0.1")
    assert "4000 x 3000, worked on at 481 x 361" in err
    large, small = read_grey(Path("detected/contours/large.png")), detect("small.jpg", "canny")
    assert large.shape == (3000, 4000)
    thinness = np.count_nonzero(large) / np.count_nonzero(small)
    assert thinness < 1.3 * 4000 / 481
