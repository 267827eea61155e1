import shutil

import numpy as np
import pytest
from command import contourbench, records
from contourbench.bench.datasets.bsds500 import BSDS500_SIZES, official_ids
from contourbench.bench.datasets.checks import check_dataset
from contourbench.bench.datasets.download import check_bsds500
from contourbench.bench.datasets.ground_truth import read_truth
from contourbench.bench.datasets.opening import open_dataset
from contourbench.bench.errors import UserError
from contourbench.bench.files.images import read_image
from toy import SHAPE, toy_image, toy_truth, write_bsds_truth, write_folder, write_maps, write_picture


@pytest.mark.parametrize(("truth", "annotators"), [("png", 1), ("pngs", 2), ("subfolders", 2), ("npy", 2), ("mat", 2)])
def test_generic_folder(tmp_path, truth, annotators):
    dataset = open_dataset(str(write_folder(tmp_path / "mine", ("b", "a", "x_1"), truth)))
    assert dataset.name == "mine"
    assert dataset.ids == ("a", "b", "x_1")
    assert dataset.ground_truth("a").shape == (annotators, *SHAPE)
    if annotators == 1:
        np.testing.assert_array_equal(dataset.ground_truth("b")[0], toy_truth(0))
    np.testing.assert_array_equal(dataset.image("b"), toy_image(0))
    assert "3 images" in check_dataset(dataset).found


def test_biped_layout(tmp_path):
    for kind, pixels in (("imgs", toy_image()), ("edge_maps", toy_truth().astype(np.uint8) * 255)):
        (tmp_path / "edges" / kind / "test" / "rgbr").mkdir(parents=True)
        write_picture(tmp_path / "edges" / kind / "test" / "rgbr" / "RGB_008.png", pixels)
    dataset = open_dataset(str(tmp_path / "edges"))
    assert dataset.ids == ("RGB_008",)
    np.testing.assert_array_equal(dataset.ground_truth("RGB_008")[0], toy_truth())


@pytest.mark.parametrize("split", BSDS500_SIZES)
def test_bsds500(bsds500, split):
    dataset = open_dataset(str(bsds500), split)
    assert (dataset.name, dataset.warnings) == ("BSDS500", ())
    assert len(dataset.ids) == BSDS500_SIZES[split]
    assert dataset.ids == tuple(sorted(dataset.ids))
    image, truth = dataset.image(dataset.ids[0]), dataset.ground_truth(dataset.ids[0])
    assert image.shape[:2] == truth.shape[1:]
    assert sorted(image.shape) == [3, 321, 481]
    assert 4 <= len(truth) <= 9


def test_bsds500_copy_is_verified(bsds500):
    assert "complete" in check_bsds500(bsds500)


def part_of_bsds500(root, ids=("100007", "100039")):
    (root / "images" / "test").mkdir(parents=True)
    (root / "groundTruth" / "test").mkdir(parents=True)
    for image_id in ids:
        write_picture(root / "images" / "test" / f"{image_id}.jpg", toy_image())
        write_bsds_truth(root / "groundTruth" / "test" / f"{image_id}.mat", [toy_truth()])
    return root


def copied(bsds500, root, ids, split="test", truths="groundTruth", to="test"):
    """Some of the official files in folders of any name."""
    for folder, suffix, name in (("images", "jpg", "images"), ("groundTruth", "mat", truths)):
        (root / name / to).mkdir(parents=True)
        for image_id in ids:
            shutil.copy(bsds500 / folder / split / f"{image_id}.{suffix}", root / name / to)
    return root


def test_bsds500_is_known_by_content(bsds500, tmp_path):
    for name in ("groundTruth", "ground_truth", "gt"):
        root = copied(bsds500, tmp_path / name, ("100007", "100039"), truths=name)
        dataset = open_dataset(root)
        assert dataset.name == "BSDS500 (part, 2 of 200)"
        assert "198 of the 200 images of BSDS500 test are missing: 100099, 10081" in dataset.warnings[0]
    assert open_dataset(root, images=["100039"]).name == "BSDS500 (part, 2 of 200)"
    chosen = open_dataset(bsds500, images=["100039", "100007"])
    assert (chosen.name, chosen.ids, chosen.warnings) == ("BSDS500", ("100007", "100039"), ())
    flat = copied(bsds500, tmp_path / "flat", ("101085",), "val", to=".")
    assert (open_dataset(flat).name, open_dataset(flat).split) == ("BSDS500 (part, 1 of 100)", "val")


def test_another_truth_under_official_ids_is_another_data_set(bsds500, tmp_path):
    root = copied(bsds500, tmp_path / "BSDS500", ("100007", "100039"))
    write_bsds_truth(root / "groundTruth" / "test" / "100039.mat", [toy_truth()])
    dataset = open_dataset(root)
    assert dataset.name == "folder BSDS500"
    assert "1 of 2 images or annotations are not the official files: 100039" in dataset.warnings[0]
    moved = copied(bsds500, tmp_path / "moved", ("101085",), "val")
    assert "BSDS500 val, but they lie in a folder named test" in open_dataset(moved).warnings[0]
    assert open_dataset(moved).name == "moved"


def test_incomplete_bsds500_is_told(tmp_path):
    part_of_bsds500(tmp_path / "BSR" / "BSDS500" / "data")
    with pytest.raises(UserError, match=r"996 of 1000 files missing(.|\n)*4 of 1000 files differ"):
        check_bsds500(tmp_path)


def test_images_and_truth_must_pair(tmp_path):
    root = part_of_bsds500(tmp_path)
    (root / "groundTruth" / "test" / "100039.mat").unlink()
    with pytest.raises(UserError, match="no ground truth for 1 id\\(s\\): 100039"):
        open_dataset(str(root))
    (root / "images" / "test" / "100039.jpg").unlink()
    write_bsds_truth(root / "groundTruth" / "test" / "spare.mat", [toy_truth()])
    with pytest.raises(UserError, match="no image for 1 id\\(s\\): spare"):
        open_dataset(str(root))


def test_foreign_image_among_bsds500(tmp_path):
    dataset = open_dataset(part_of_bsds500(tmp_path / "mine", ("100007", "holiday")))
    assert dataset.name == "mine"
    assert "2 of 2 images or annotations are not the official files: 100007, holiday" in dataset.warnings[0]


def test_official_ids():
    assert {split: len(official_ids(split)) for split in BSDS500_SIZES} == BSDS500_SIZES


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: root / "nowhere", "no such folder"),
        (lambda root: root, "the folder is empty"),
        (lambda root: (root / "file.txt").write_text("x") and root / "file.txt", "not a folder"),
        (lambda root: (root / "pictures").mkdir() or root, "no folder of images .* found pictures"),
        (lambda root: (root / "images").mkdir() or root, "no folder of truth"),
        (lambda root: [(root / n).mkdir() for n in ("images", "gt")] and root, "no images"),
        (
            lambda root: part_of_bsds500(root) and (root / "images" / "test").rename(root / "images" / "val") and root,
            "`split='test'`: no folder test .* has val",
        ),
    ],
)
def test_bad_folders(tmp_path, make, message):
    with pytest.raises(UserError, match=message):
        open_dataset(str(make(tmp_path)))


def test_bad_ground_truth(tmp_path):
    write_bsds_truth(tmp_path / "none.mat", [])
    (tmp_path / "cut.mat").write_bytes((tmp_path / "none.mat").read_bytes()[:150])
    np.save(tmp_path / "none.npy", np.zeros((0, 4, 4), bool))
    write_picture(tmp_path / "inverted.png", (~toy_truth()).astype(np.uint8) * 255)
    write_picture(tmp_path / "colour.png", toy_image())
    for name, message in (
        ("none.mat", "without annotators"),
        ("none.npy", "without annotators"),
        ("cut.mat", "cannot be read as mat"),
        ("inverted.png", "inverted"),
        ("colour.png", "a colour image"),
    ):
        with pytest.raises(UserError, match=rf"{name}: .*{message}"):
            read_truth(tmp_path / name)


def test_image_kinds(tmp_path):
    grey = toy_image()[..., 0]
    opaque = np.dstack([toy_image(), np.full(SHAPE, 255, np.uint8)])
    write_picture(tmp_path / "grey.png", grey)
    write_picture(tmp_path / "opaque.png", opaque)
    write_picture(tmp_path / "clear.png", np.dstack([toy_image(), np.full(SHAPE, 9, np.uint8)]))
    write_picture(tmp_path / "deep.png", grey.astype(np.uint16) * 257)
    np.testing.assert_array_equal(read_image(tmp_path / "grey.png"), np.dstack([grey] * 3))
    np.testing.assert_array_equal(read_image(tmp_path / "opaque.png"), toy_image())
    with pytest.raises(UserError, match="transparent"):
        read_image(tmp_path / "clear.png")
    with pytest.raises(UserError, match="16-bit"):
        read_image(tmp_path / "deep.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "grey.png").read_bytes()[:60])
    with pytest.raises(UserError, match=r"cut.png: cannot be read as an image"):
        read_image(tmp_path / "cut.png")


@pytest.mark.parametrize(
    ("truths", "annotators"),
    [
        (["x.png", "x_1.png"], {"x": 1, "x_1": 1}),
        (["x/1.png", "x/2.png", "x_1.png"], {"x": 2, "x_1": 1}),
        (["x/1.png", "x_1/1.png", "x_1/2.png"], {"x": 1, "x_1": 2}),
        (["x_2.png", "x_3.png", "x_1_1.png", "x_1_2.png"], {"x": 2, "x_1": 2}),
        (["x_1.png", "x_2.png"], None),
        (["x.png", "x_1.png", "x_2.png"], None),
        (["x_1.png"], None),
    ],
)
def test_whose_annotator(tmp_path, truths, annotators):
    """With images x and x_1, the file x_1.png may be of either."""
    write_folder(tmp_path, ("x", "x_1"))
    shutil.rmtree(tmp_path / "gt")
    for name in truths:
        (tmp_path / "gt" / name).parent.mkdir(parents=True, exist_ok=True)
        write_picture(tmp_path / "gt" / name, toy_truth().astype(np.uint8) * 255)
    if annotators is None:
        with pytest.raises(UserError, match=r"x_1.png: of image x_1, or of an annotator of image x\?"):
            open_dataset(str(tmp_path))
    else:
        dataset = open_dataset(str(tmp_path))
        assert {i: len(dataset.ground_truth(i)) for i in dataset.ids} == annotators


def test_limit(tmp_path):
    dataset = open_dataset(str(write_folder(tmp_path)))
    assert dataset.limit(2).ids == ("a", "b")
    with pytest.raises(UserError, match="`limit=0`"):
        dataset.limit(0)


def test_flat_folders_and_upper_case(tmp_path):
    write_folder(tmp_path / "flat")
    (tmp_path / "flat" / "gt").rename(tmp_path / "flat" / "groundTruth")
    for path in list((tmp_path / "flat" / "groundTruth").iterdir()):
        path.rename(path.with_suffix(".PNG"))
    assert open_dataset(str(tmp_path / "flat")).ids == ("a", "b", "c")
    (tmp_path / "BSDS500").mkdir()
    (tmp_path / "flat").rename(tmp_path / "BSDS500" / "data")
    assert open_dataset(str(tmp_path / "BSDS500")).name == "folder BSDS500"


def test_the_official_sample_is_a_data_set(bench_sample):
    assert open_dataset(str(bench_sample)).ids == ("2018", "3063", "5096", "6046", "8068")


def test_grey_png_with_alpha_is_ground_truth(tmp_path):
    layer = toy_truth().astype(np.uint8) * 255
    write_picture(tmp_path / "x.png", np.dstack([layer, np.full(SHAPE, 255, np.uint8)]))
    np.testing.assert_array_equal(read_truth(tmp_path / "x.png")[0], toy_truth())


def test_images_are_chosen_by_id_or_list(capsys, tmp_path):
    root = write_folder(tmp_path / "mine")
    (tmp_path / "list.txt").write_text("images/c.jpg gt/c.png\n\na 1\n")
    assert open_dataset(root, images=["c", "a"]).ids == ("a", "c")
    assert open_dataset(root, images=tmp_path / "list.txt").ids == ("a", "c")
    maps, out = write_maps(tmp_path / "maps"), ("--data", root, "--out", tmp_path / "o")
    assert contourbench(capsys, "score", maps, *out, "--images", tmp_path / "list.txt")[0] == 0
    assert set(records(tmp_path / "o")) == {"a", "c"}
    code, said, _ = contourbench(capsys, "doctor", maps, *out[:2], "--images", "a", "b")
    assert (code, "ok     names       2 of 2 images have a prediction" in said) == (0, True)
    for images, message in ((["a", "d"], "1 of 2 not in mine test: d"), ("none.txt", "cannot be read"), ([], "none")):
        with pytest.raises(UserError, match=message):
            open_dataset(root, images=images)


def test_images_without_annotation_are_left_out_if_said(tmp_path):
    root = write_folder(tmp_path / "mine")
    (root / "gt" / "b.png").unlink()
    with pytest.raises(UserError, match=r"no ground truth for 1 id\(s\): b; `images='annotated'` leaves them out"):
        open_dataset(root)
    dataset = open_dataset(root, images="annotated")
    assert dataset.ids == ("a", "c")
    assert "no annotation of 1 of 3 images; they are left out" in dataset.warnings[0]
    assert open_dataset(root, images=["a"]).warnings == ()


def test_the_folder_above_is_named(tmp_path):
    root = write_folder(tmp_path / "mine")
    with pytest.raises(UserError, match=r"the folder above it, .*mine\?"):
        open_dataset(root / "images")


def test_truth_in_jpeg_is_no_truth(tmp_path):
    root = write_folder(tmp_path / "mine")
    (root / "gt" / "b.png").rename(root / "gt" / "b.jpg")
    with pytest.raises(UserError, match=r"b.jpg is there, but JPEG changes values"):
        open_dataset(root)
