"""The layouts in which known data sets come, and their tolerances."""

import itertools

import imageio.v3 as iio
import numpy as np
import pytest
from command import contourbench, fails
from contourbench.bench.datasets import open_dataset
from contourbench.bench.errors import UserError
from contourbench.bench.ground_truth import read_truth
from contourbench.eval import label_boundaries, thin
from scipy.io import savemat
from toy import SHAPE, toy_image, toy_truth, write_bsds_truth

BOX = np.zeros(SHAPE, np.uint16)
BOX[6:18, 8:24] = 1


def write_image(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    iio.imwrite(path, toy_image())


def write_seg(path, labels):
    """BSDS300's run-length form."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"format ascii cr\nimage {path.stem}\nwidth {labels.shape[1]}\nheight {labels.shape[0]}\nsegments 2\ndata"]
    for r, row in enumerate(labels):
        edges = [0, *(np.flatnonzero(np.diff(row)) + 1), len(row)]
        rows += [f"{row[a]} {r} {a} {b - 1}" for a, b in itertools.pairwise(edges)]
    path.write_text("\n".join(rows) + "\n")


def bsds300(root):
    write_image(root / "images" / "test" / "3096.jpg")
    write_image(root / "images" / "train" / "2092.jpg")
    for user in ("1105", "1109"):
        write_seg(root / "human" / "color" / user / "3096.seg", BOX.astype(int))
        write_seg(root / "human" / "gray" / user / "2092.seg", BOX.astype(int))


def nyudv2(root):
    write_image(root / "test" / "Images" / "5001.png")
    (root / "test" / "groundTruth").mkdir()
    write_bsds_truth(root / "test" / "groundTruth" / "5001.mat", [toy_truth()])


def multicue(root):
    write_image(root / "images" / "left_0001.png")
    (root / "boundaries").mkdir()
    for k in (1, 2):
        iio.imwrite(root / "boundaries" / f"left_0001_{k}.png", toy_truth().astype(np.uint8) * 255)


def biped(root):
    write_image(root / "BIPED" / "edges" / "imgs" / "test" / "rgbr" / "RGB_008.jpg")
    maps = root / "BIPED" / "edges" / "edge_maps" / "test" / "rgbr"
    maps.mkdir(parents=True)
    iio.imwrite(maps / "RGB_008.png", toy_truth().astype(np.uint8) * 255)


def pascal_context(root):
    write_image(root / "JPEGImages" / "2008_000002.jpg")
    (root / "trainval").mkdir()
    savemat(root / "trainval" / "2008_000002.mat", {"LabelMap": BOX})


@pytest.mark.parametrize(
    ("write", "image_id", "annotators"),
    [
        (bsds300, "3096", 2),
        (nyudv2, "5001", 1),
        (multicue, "left_0001", 2),
        (biped, "RGB_008", 1),
        (pascal_context, "2008_000002", 1),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_layouts(tmp_path, write, image_id, annotators):
    write(tmp_path)
    dataset = open_dataset(str(tmp_path), "test")
    assert dataset.ids == (image_id,)
    image, truth = dataset.pair(image_id)
    assert image.shape == (*SHAPE, 3)
    assert len(truth) == annotators
    assert truth.any(axis=(1, 2)).all()


def test_seg_files(tmp_path):
    write_seg(tmp_path / "x.seg", BOX.astype(int))
    np.testing.assert_array_equal(read_truth(tmp_path / "x.seg")[0], thin(label_boundaries(BOX)))
    (tmp_path / "cut.seg").write_text("\n".join((tmp_path / "x.seg").read_text().splitlines()[:12]) + "\n")
    with pytest.raises(UserError, match="pixels without a segment"):
        read_truth(tmp_path / "cut.seg")
    (tmp_path / "other.seg").write_text("hello")
    with pytest.raises(UserError, match="not a segmentation of BSDS300"):
        read_truth(tmp_path / "other.seg")


def test_bsds300_has_regions(tmp_path):
    bsds300(tmp_path)
    dataset = open_dataset(str(tmp_path), "train")
    assert dataset.ids == ("2092",)
    np.testing.assert_array_equal(dataset.segmentations("2092")[1], BOX)


@pytest.mark.parametrize(
    ("options", "tolerance"),
    [
        ((), "0.0075 of the diagonal: 0.30 px"),
        (("--preset", "nyudv2"), "0.011 of the diagonal: 0.44 px"),
        (("--preset", "nyudv2", "--max-dist", ".02"), "0.02 of the diagonal: 0.80 px"),
    ],
)
def test_tolerance_of_a_preset(capsys, tmp_path, options, tolerance):
    nyudv2(tmp_path)
    assert contourbench(capsys, "run", "sobel", "--data", tmp_path, "--out", tmp_path / "o", *options)[0] == 0
    maps = tmp_path / "o" / "sobel" / "maps"
    assert tolerance in contourbench(capsys, "doctor", maps, "--data", tmp_path, *options)[1]
    assert f"max_dist {tolerance.split()[0]}" in contourbench(capsys, "table", tmp_path / "o")[1]


def test_unknown_preset(capsys):
    assert "did you mean nyudv2?" in fails(capsys, "run", "sobel", "--preset", "nyudv")
