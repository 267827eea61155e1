"""What counts as ground truth: contours, the same in all containers; regions if said or clear; all else is refused."""

import numpy as np
import pytest
from command import contourbench, fails
from contourbench.bench.datasets.ground_truth import read_segmentations, read_truth
from contourbench.bench.datasets.opening import open_dataset
from contourbench.bench.errors import UserError
from contourbench.eval import label_boundaries, thin
from PIL import Image
from scipy.io import savemat
from scipy.ndimage import binary_dilation, zoom
from scipy.sparse import csc_array
from toy import SHAPE, toy_image, toy_labels, toy_truth, write_folder, write_maps, write_mat73, write_picture

LABELS = toy_labels()
BORDERS = thin(label_boundaries(LABELS))
TRUTH = toy_truth()
CONTAINERS = ("png", "tif", "npy", "mat", "boundaries")


def store(folder, container, values):
    """One annotation in a file of some kind."""
    if container in ("png", "tif"):
        write_picture(folder / f"x.{container}", values)
    elif container == "npy":
        np.save(folder / "x.npy", values)
    else:
        value = {"Boundaries": values} if container == "boundaries" else values
        savemat(folder / "x.mat", {"groundTruth" if container == "boundaries" else "edge": value})
    return next(folder.glob("x.*"))


def cell_row(*values):
    cells = np.empty((1, len(values)), object)
    for i, value in enumerate(values):
        cells[0, i] = value
    return cells


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("full", [1, 255])
def test_contours_are_the_same_in_all_containers(tmp_path, container, full):
    path = store(tmp_path, container, TRUTH.astype(np.uint8) * np.uint8(full))
    np.testing.assert_array_equal(read_truth(path), [TRUTH])


MEAN = np.rint(51 * sum(np.roll(TRUTH, k, 0).astype(float) for k in range(5))).astype(np.uint8)
RESIZED = np.clip(zoom(255.0 * TRUTH, 0.8, order=1), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize(
    ("values", "guess"),
    [
        (MEAN, "levels from 0 to .*the mean of 5 annotators"),
        (RESIZED, "levels from 0 to .*resized or smoothed"),
        (LABELS.astype(np.uint8), "3 levels from 1 to 7.*a label map.*`truth='labels'`"),
        (LABELS.astype(np.uint8) * 30, "levels .*a label map"),
        (TRUTH.astype(np.uint8) * 15, "2 levels from 0 to 15.*a label map"),
    ],
)
def test_what_is_not_binary_is_refused(tmp_path, container, values, guess):
    path = store(tmp_path, container, values)
    with pytest.raises(UserError, match=rf"{path.name}: .*{guess}"):
        read_truth(path)


@pytest.mark.parametrize("container", CONTAINERS)
def test_many_levels_are_contours_if_said(tmp_path, container):
    path = store(tmp_path, container, MEAN)
    np.testing.assert_array_equal(read_truth(path, "contours"), [MEAN >= 127.5])


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_labels_are_the_truth_by_their_borders(tmp_path, container, kind):
    path = store(tmp_path, container, LABELS.astype(kind))
    np.testing.assert_array_equal(read_truth(path, "labels"), [BORDERS])
    np.testing.assert_array_equal(read_segmentations(path, "labels"), [LABELS])


def test_palettes_and_colours_are_labels(tmp_path):
    picture = Image.fromarray(LABELS.astype(np.uint8)).convert("P")
    picture.putpalette([k * 30 % 256 for k in range(768)])
    for name, made in (("p.png", picture), ("c.png", picture.convert("RGB"))):
        made.save(tmp_path / name)
        with pytest.raises(UserError, match=rf"{name}: a colour image.*a label map in colours.*`truth='labels'`"):
            read_truth(tmp_path / name)
        np.testing.assert_array_equal(read_truth(tmp_path / name, "labels"), [BORDERS])
    write_picture(tmp_path / "photo.png", np.random.RandomState(0).randint(0, 256, (*SHAPE, 3), np.uint8))
    with pytest.raises(UserError, match=r"photo.png: colours that do not fill areas"):
        read_truth(tmp_path / "photo.png", "labels")


def test_a_void_band_has_one_contour_in_its_middle(tmp_path):
    labels = np.zeros((9, 20), np.uint8)
    labels[:, 10:], labels[:, 8:13] = 3, 255
    write_picture(tmp_path / "x.png", labels)
    (found,) = read_truth(tmp_path / "x.png", "labels")
    assert [*np.flatnonzero(found[4])] == [10]
    assert set(np.unique(read_segmentations(tmp_path / "x.png", "labels"))) == {0, 3}
    full = np.repeat(np.arange(256, dtype=np.uint8), 8).reshape(32, 64)  # 255 is one of 256 segments
    write_picture(tmp_path / "y.png", full)
    np.testing.assert_array_equal(read_segmentations(tmp_path / "y.png", "labels")[0], full)


def test_borders_of_segmentations_are_bsds500s_boundaries(bsds500):
    for path in sorted((bsds500 / "groundTruth" / "val").glob("*.mat"))[::25]:
        np.testing.assert_array_equal(read_truth(path, "labels"), read_truth(path))


def of_another_annotator(k):
    return np.roll(TRUTH, k, 0)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"groundTruth": {"Boundaries": TRUTH}}, [TRUTH]),
        ({"groundTruth": {"Boundaries": csc_array(TRUTH)}}, [TRUTH]),
        ({"groundTruth": {"Boundaries": csc_array(TRUTH.astype(float))}}, [TRUTH]),
        ({"groundTruth": {"Boundaries": TRUTH, "Segmentation": LABELS.astype(np.uint16)}}, [TRUTH]),
        ({"groundTruth": {"Segmentation": LABELS.astype(np.uint16)}}, [BORDERS]),
        ({"groundTruth": cell_row({"Segmentation": LABELS.astype(float)})}, [BORDERS]),
        ({"groundTruth": cell_row(TRUTH, of_another_annotator(1))}, [TRUTH, of_another_annotator(1)]),
        ({"groundTruth": TRUTH.astype(float)}, [TRUTH]),
        ({"edge": csc_array(TRUTH)}, [TRUTH]),
        ({"edge": np.dstack([TRUTH, of_another_annotator(2)]), "by": "me"}, [TRUTH, of_another_annotator(2)]),
        ({"GTcls": {"Boundaries": cell_row(csc_array(TRUTH), csc_array(SHAPE, dtype=bool))}}, [TRUTH]),
    ],
)
def test_matlab_variants(tmp_path, variables, expected):
    savemat(tmp_path / "x.mat", variables)
    np.testing.assert_array_equal(read_truth(tmp_path / "x.mat"), expected)


def test_axes_of_annotators(tmp_path):
    several = np.stack([of_another_annotator(k) for k in range(3)])
    np.save(tmp_path / "first.npy", several)
    np.save(tmp_path / "last.npy", np.moveaxis(several, 0, 2))
    for name in ("first.npy", "last.npy"):
        np.testing.assert_array_equal(read_truth(tmp_path / name), several)


def test_a_structure_without_contours_is_named(tmp_path):
    savemat(tmp_path / "x.mat", {"groundTruth": {"edges": TRUTH, "by": "me"}})
    with pytest.raises(UserError, match=r"x.mat: groundTruth with by, edges, without Boundaries or Segmentation"):
        read_truth(tmp_path / "x.mat")


def test_a_sparse_array_that_promises_much(tmp_path):
    savemat(tmp_path / "x.mat", {"groundTruth": {"Boundaries": csc_array(([1.0], ([0], [0])), (2**30, 2))}})
    with pytest.raises(UserError, match=r"x.mat: a sparse array of \(1073741824, 2\)"):
        read_truth(tmp_path / "x.mat")


def of_bsds_form(file):
    """A cell of two structures, the second with sparse contours, as MATLAB 7.3 lays them out."""
    import h5py

    inside = file.create_group("#refs#")
    cell = file.create_dataset("groundTruth", (2, 1), dtype=h5py.ref_dtype)
    cell.attrs["MATLAB_class"] = np.bytes_("cell")
    for k, name in enumerate("ab"):
        group = inside.create_group(name)
        group.attrs["MATLAB_class"] = np.bytes_("struct")
        cell[k, 0] = group.ref
    full = inside["a"].create_dataset("Boundaries", data=TRUTH.T.astype(np.uint8))
    full.attrs["MATLAB_class"] = np.bytes_("logical")
    stored = csc_array(of_another_annotator(1))
    sparse = inside["b"].create_group("Boundaries")
    sparse.attrs["MATLAB_class"], sparse.attrs["MATLAB_sparse"] = np.bytes_("logical"), np.uint64(SHAPE[0])
    for name, values in (("jc", stored.indptr), ("ir", stored.indices), ("data", stored.data.astype(np.uint8))):
        sparse.create_dataset(name, data=values)


def test_matlab_73(tmp_path):
    pytest.importorskip("h5py")
    write_mat73(tmp_path / "x.mat", of_bsds_form)
    np.testing.assert_array_equal(read_truth(tmp_path / "x.mat"), [TRUTH, of_another_annotator(1)])


def test_regions_are_compared_where_truth_is_labels(capsys, tmp_path):
    root = write_folder(tmp_path / "mine")
    for i, image_id in enumerate("abc"):
        write_picture(root / "gt" / f"{image_id}.png", toy_labels(i).astype(np.uint8))
    run = ("run", "felzenszwalb", "--data", root, "--out", tmp_path / "o")
    assert "a label map? --truth labels" in fails(capsys, *run)
    code, _, err = contourbench(capsys, *run, "--truth", "labels")
    assert (code, "regions.csv" in err) == (0, True)
    assert "mine (truth=labels) test" in contourbench(capsys, "table", tmp_path / "o")[1]
    checked = ("verify", tmp_path / "o", "--data", root, "--truth", "labels")
    page = ("page", tmp_path / "o", "--data", root, "--out", tmp_path / "page.html")
    assert contourbench(capsys, *page, "--truth", "labels")[0] == 0
    assert "--truth labels" in fails(capsys, *page)
    assert "ok, 3 images counted again" in contourbench(capsys, *checked)[1]
    assert contourbench(capsys, "data", "check", root, "--truth", "labels")[0] == 0


@pytest.mark.parametrize("command", ["run", "score", "doctor", "check"])
def test_empty_annotations_are_named(capsys, tmp_path, command):
    root = write_folder(tmp_path / "mine")
    write_picture(root / "gt" / "b.png", np.zeros(SHAPE, np.uint8))
    given = arguments(command, root, tmp_path)
    code, out, err = contourbench(capsys, *given)
    assert code == 0
    assert "1 of 3 annotations are empty (b)" in out + err
    for image_id in "ac":
        write_picture(root / "gt" / f"{image_id}.png", np.zeros(SHAPE, np.uint8))
    code, out, err = contourbench(capsys, *given)
    assert code == 2
    assert "all are empty" in out or "no contour in any of 3 annotations" in err


@pytest.mark.parametrize("command", ["run", "score", "doctor", "check"])
def test_thick_truth_is_named(capsys, tmp_path, command):
    root = write_folder(tmp_path / "mine")
    for image_id in "abc":
        bar = binary_dilation(np.arange(SHAPE[0]) == 12, iterations=3)[:, np.newaxis] * np.ones(SHAPE)
        write_picture(root / "gt" / f"{image_id}.png", bar.astype(np.uint8) * 255)
    code, out, err = contourbench(capsys, *arguments(command, root, tmp_path))
    assert code == 0
    assert "contours are 8.6 px thick, expected 1" in out + err  # 7, and thinning also shortens


def arguments(command, root, folder):
    if command == "check":
        return ("data", "check", root)
    first = ("sobel",) if command == "run" else (folder / "maps",)
    if command != "run":
        write_maps(folder / "maps")
    out = () if command == "doctor" else ("--out", folder / "o")
    return (command, *first, "--data", root, *out)


def test_a_size_that_differs_is_said_by_the_doctor(capsys, tmp_path):
    root = write_folder(tmp_path / "mine")
    write_picture(root / "images" / "b.png", toy_image(shape=(30, 40)))
    code, out, _ = contourbench(capsys, "doctor", write_maps(tmp_path / "maps"), "--data", root)
    assert code == 2
    assert "ground truth of b: size 24x32 (H x W), but its image is 30x40" in out
    assert open_dataset(str(root)).ids == ("a", "b", "c")


@pytest.mark.parametrize("text", ["", "1,2\n3\n", "a,b\n", "1.5,2\n", "99999999999999999999,1\n", "\udcff"])
def test_tables_that_are_no_labels(tmp_path, text):
    (tmp_path / "x.csv").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UserError, match=r"x.csv: (empty file|cannot be read as csv)"):
        read_truth(tmp_path / "x.csv")
