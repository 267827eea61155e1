"""Which image files are read, as what, and what is said about the others."""

import numpy as np
import pytest
from contourbench.bench.errors import UserError
from contourbench.bench.files.images import read_grey, read_image, read_pixels, write_png
from PIL import Image
from toy import read_picture, toy_image, toy_truth

RGB = toy_image()
GREY = RGB[..., 0].copy()
DEEP = GREY.astype(np.uint16) * 257
PALETTE = Image.fromarray(RGB).quantize(16)
OPAQUE, CLEAR = (np.dstack([RGB, np.full(GREY.shape, alpha, np.uint8)]) for alpha in (255, 9))


def written(folder, name, picture, **options):
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(folder / name, **options)
    return folder / name


@pytest.mark.parametrize("name", ["x.png", "x.bmp", "x.ppm", "x.tif", "x.webp"])
def test_colours_come_as_they_are(tmp_path, name):
    lossless = {"lossless": True} if name == "x.webp" else {}
    np.testing.assert_array_equal(read_image(written(tmp_path, name, RGB, **lossless)), RGB)


@pytest.mark.parametrize("name", ["x.png", "x.bmp", "x.pgm", "x.tif"])
def test_grey_gets_three_equal_channels(tmp_path, name):
    np.testing.assert_array_equal(read_image(written(tmp_path, name, GREY)), np.dstack([GREY] * 3))
    np.testing.assert_array_equal(read_grey(tmp_path / name), GREY)


@pytest.mark.parametrize("name", ["x.png", "x.bmp", "x.tif"])
def test_one_bit_is_black_and_white(tmp_path, name):
    np.testing.assert_array_equal(read_pixels(written(tmp_path, name, toy_truth())), toy_truth() * np.uint8(255))


def test_sixteen_bits_in_either_byte_order(tmp_path):
    big = Image.frombytes("I;16B", DEEP.shape[::-1], DEEP.astype(">u2").tobytes())
    for path in (written(tmp_path, "x.png", DEEP), written(tmp_path, "x.pgm", DEEP), written(tmp_path, "x.tif", big)):
        pixels = read_grey(path)
        assert pixels.dtype == np.uint16
        np.testing.assert_array_equal(pixels, DEEP)
        with pytest.raises(UserError, match="16-bit image, expected 8 bits per channel"):
            read_image(path)


def test_palettes_are_looked_up(tmp_path):
    colours = np.array(PALETTE.convert("RGB"))
    np.testing.assert_array_equal(read_image(written(tmp_path, "x.png", PALETTE)), colours)
    frames = written(tmp_path, "x.gif", PALETTE, save_all=True, append_images=[Image.fromarray(255 - RGB).quantize(16)])
    np.testing.assert_array_equal(read_image(frames), colours)  # the first of two
    np.testing.assert_array_equal(read_grey(written(tmp_path, "g.png", Image.fromarray(GREY).convert("P"))), GREY)


@pytest.mark.parametrize(
    ("picture", "options"),
    [
        (CLEAR, {}),
        (CLEAR[..., [0, 3]], {}),
        (PALETTE, {"transparency": int(np.array(PALETTE)[3, 4])}),
        (GREY, {"transparency": int(GREY[3, 4])}),
        (RGB, {"transparency": tuple(map(int, RGB[3, 4]))}),
    ],
    ids=["alpha", "grey alpha", "palette", "grey", "colour"],
)
def test_transparent_pixels_are_refused(tmp_path, picture, options):
    with pytest.raises(UserError, match=r"x.png: transparent pixels, expected opaque RGB"):
        read_image(written(tmp_path, "x.png", picture, **options))


def test_opaque_alpha_is_dropped(tmp_path):
    np.testing.assert_array_equal(read_image(written(tmp_path, "x.png", OPAQUE)), RGB)
    np.testing.assert_array_equal(read_grey(written(tmp_path, "g.png", OPAQUE[..., [0, 0, 0, 3]])), GREY)


@pytest.mark.parametrize(("mode", "name"), [("CMYK", "x.jpg"), ("CMYK", "x.tif"), ("LAB", "x.tif")])
def test_other_colour_spaces_are_refused(tmp_path, mode, name):
    """Their numbers would pass for red, green and blue."""
    with pytest.raises(UserError, match=rf"{name}: {mode} pixels, expected grey or RGB"):
        read_image(written(tmp_path, name, Image.fromarray(RGB).convert(mode)))


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_other_numbers_are_refused(tmp_path, kind):
    with pytest.raises(UserError, match=rf"x.tif: pixels of shape .* and type {kind.__name__}, expected 8- or 16-bit"):
        read_pixels(written(tmp_path, "x.tif", (GREY * 70_000.0).astype(kind)))


def test_large_photographs_are_no_attack(tmp_path, monkeypatch):
    """Pillow warns from some size on and refuses twice that; the warning would come out of nowhere."""
    written(tmp_path, "x.png", GREY)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", GREY.size - 1)
    np.testing.assert_array_equal(read_grey(tmp_path / "x.png"), GREY)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", GREY.size // 2 - 1)
    with pytest.raises(UserError, match=r"x.png: cannot be read as an image \(Image size .* exceeds limit"):
        read_grey(tmp_path / "x.png")


def test_what_is_no_picture(tmp_path):
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(UserError) as caught:
        read_image(tmp_path / "text.png")
    assert "cannot be read as an image (none of JPEG, PNG, " in str(caught.value)
    with pytest.raises(UserError, match=r"none.png: no such file"):
        read_image(tmp_path / "none.png")
    whole = written(tmp_path, "x.jpg", RGB).read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"cut.jpg: cannot be read as an image \(.*\); truncated"):
        read_image(tmp_path / "cut.jpg")


@pytest.mark.parametrize("pixels", [GREY, DEEP, RGB], ids=["8 bits", "16 bits", "colour"])
def test_png_files_hold_what_was_written(tmp_path, pixels):
    write_png(tmp_path / "x.png", pixels)
    np.testing.assert_array_equal(read_picture(tmp_path / "x.png"), pixels)
