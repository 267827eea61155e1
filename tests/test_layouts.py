"""The layouts in which known data sets come, and their tolerances."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from command import contourbench, fails
from contourbench.bench.datasets.ground_truth import read_truth
from contourbench.bench.datasets.opening import open_dataset
from contourbench.bench.datasets.tolerances import TOLERANCES
from contourbench.bench.errors import UserError
from contourbench.eval import label_boundaries, thin
from scipy.io import savemat
from scipy.sparse import csc_array
from toy import SHAPE, toy_image, toy_truth, write_bsds_truth, write_picture

BOX = np.zeros(SHAPE, np.uint16)
BOX[6:18, 8:24] = 1


def write_image(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_picture(path, toy_image())


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


def numbered(root):
    write_image(root / "images" / "left_0001.png")
    (root / "boundaries").mkdir()
    for k in (1, 2):
        write_picture(root / "boundaries" / f"left_0001_{k}.png", toy_truth().astype(np.uint8) * 255)


def multicue(root):
    """Several frames of a scene, of which one was annotated; 8 and 16 bits."""
    for frame in ("4580_left_0001", "4580_left_0165", "4680_left_0170"):
        write_image(root / "multicue" / "images" / f"{frame}.png")
    (root / "multicue" / "ground-truth" / "hdf5").mkdir(parents=True)
    for kind, annotators in (("boundaries", 5), ("edges", 6)):
        folder = root / "multicue" / "ground-truth" / "images" / kind
        folder.mkdir(parents=True)
        for frame in ("4580_left_0165", "4680_left_0170"):
            for k in range(1, annotators + 1):
                full = np.uint16(65535) if k == 1 else np.uint8(255)
                write_picture(folder / f"{frame}.{k}.png", np.roll(toy_truth(), k, 0) * full)


WHITE = toy_truth().astype(np.uint8) * 255


def write_layers(folder, *names):
    folder.mkdir(parents=True)
    for name in names:
        write_picture(folder / name, WHITE)


def lone_image(root):
    """A folder of annotators is not taken for a folder of images' truths."""
    write_image(root / "images" / "x.png")
    write_layers(root / "gt" / "x", "1.png", "2.png", "3.png")


def edge_maps(root):
    write_image(root / "test" / "imgs" / "x.jpg")
    write_layers(root / "test" / "edge-maps", "x.6.png")


def sbd(root):
    write_image(root / "img" / "2008_000002.jpg")
    (root / "cls").mkdir()
    edges = np.empty((20, 1), object)
    for k in range(20):
        edges[k, 0] = csc_array(toy_truth() if k in (3, 7) else np.zeros(SHAPE, bool))
    found = {"Boundaries": edges, "Segmentation": BOX.astype(np.uint8), "CategoriesPresent": np.array([4, 8])}
    savemat(root / "cls" / "2008_000002.mat", {"GTcls": found})


def side_by_side(root):
    write_image(root / "x.jpg")
    write_picture(root / "x.png", WHITE)


def crack_forest(root):
    write_image(root / "image" / "001.jpg")
    (root / "groundTruth").mkdir()
    found = {"Segmentation": BOX.astype(np.uint8) + 1, "Boundaries": toy_truth().astype(np.uint8)}
    savemat(root / "groundTruth" / "001.mat", {"groundTruth": found})


def csv_labels(root):
    write_image(root / "images" / "test" / "x.jpg")
    (root / "csv_groundTruth" / "test").mkdir(parents=True)
    for k in (0, 1):
        np.savetxt(root / "csv_groundTruth" / "test" / f"x-{k}.csv", np.roll(BOX, k, 0), "%d", ",")


def biped(root):
    write_image(root / "BIPED" / "edges" / "imgs" / "test" / "rgbr" / "RGB_008.jpg")
    maps = root / "BIPED" / "edges" / "edge_maps" / "test" / "rgbr"
    maps.mkdir(parents=True)
    write_picture(maps / "RGB_008.png", toy_truth().astype(np.uint8) * 255)


def pascal_context(root):
    write_image(root / "JPEGImages" / "2008_000002.jpg")
    (root / "trainval").mkdir()
    savemat(root / "trainval" / "2008_000002.mat", {"LabelMap": BOX})


@pytest.mark.parametrize(
    ("write", "image_id", "annotators"),
    [
        (bsds300, "3096", 2),
        (nyudv2, "5001", 1),
        (numbered, "left_0001", 2),
        (biped, "RGB_008", 1),
        (pascal_context, "2008_000002", 1),
        (lone_image, "x", 3),
        (edge_maps, "x", 1),
        (sbd, "2008_000002", 1),
        (side_by_side, "x", 1),
        (crack_forest, "001", 1),
        (csv_labels, "x", 2),
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


@pytest.mark.parametrize(("kind", "annotators"), [("boundaries", 5), ("edges", 6)])
def test_multicue_has_two_kinds_of_truth(tmp_path, capsys, kind, annotators):
    multicue(tmp_path)
    for root in (tmp_path, tmp_path / "multicue"):
        dataset = open_dataset(str(root), kind)
        assert (dataset.name, dataset.split) == ("Multicue", kind)
        assert dataset.ids == ("4580_left_0165", "4680_left_0170")
        truth = dataset.pair("4580_left_0165")[1]
        np.testing.assert_array_equal(truth, [np.roll(toy_truth(), k, 0) for k in range(1, annotators + 1)])
    run = ("run", "sobel", "--data", tmp_path, "--out", tmp_path / "o")
    assert "expected --split boundaries or --split edges" in fails(capsys, *run)
    code, out, err = contourbench(capsys, *run, "--split", kind, "--preset", "multicue")
    assert code == 0
    assert f"Multicue {kind}, 99 thresholds, max_dist 0.0075" in out
    assert "no annotation of 1 of 3 images; they are left out" in err


def test_multicue_truth_without_its_image(tmp_path):
    multicue(tmp_path)
    (tmp_path / "multicue" / "images" / "4580_left_0165.png").unlink()
    with pytest.raises(UserError, match="no image for 6 id"):
        open_dataset(str(tmp_path), "edges")


def test_the_help_tells_every_preset_and_the_readme_too(capsys):
    out = contourbench(capsys, "data", "--help")[1]
    readme = (Path(__file__).parents[1] / "data" / "README.md").read_text(encoding="utf-8")
    for name, usual in TOLERANCES.items():
        assert f"{usual.max_dist:g}  " in out[out.index(f"  {name} ") :].splitlines()[0]
        assert f"| `{name}` | {usual.max_dist:g} |" in readme


def test_a_split_of_what_has_none_is_said(capsys, tmp_path):
    numbered(tmp_path)
    run = ("run", "sobel", "--data", tmp_path, "--out", tmp_path / "o")
    assert "note:" not in contourbench(capsys, *run)[2]
    code, _, err = contourbench(capsys, *run, "--split", "test")
    assert code == 0
    assert err.count("note: --split test:") == 1
    nyudv2(tmp_path / "other")
    run = ("run", "sobel", "--data", tmp_path / "other", "--out", tmp_path / "p", "--split", "test")
    assert "note:" not in contourbench(capsys, *run)[2]


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


def test_lists_of_a_data_set_choose_its_images(tmp_path):
    sbd(tmp_path)
    write_image(tmp_path / "img" / "2008_000003.jpg")
    (tmp_path / "val.txt").write_text("2008_000002\n")
    dataset = open_dataset(tmp_path, images=tmp_path / "val.txt")
    np.testing.assert_array_equal(dataset.ground_truth("2008_000002"), [toy_truth()])
    np.testing.assert_array_equal(dataset.segmentations("2008_000002"), [BOX])


def test_what_is_lacking_is_blamed(tmp_path):
    write_image(tmp_path / "test" / "imgs" / "x.jpg")
    with pytest.raises(UserError, match="no folder of truth"):
        open_dataset(tmp_path)
