import numpy as np
import pytest
from command import contourbench, fails, records
from contourbench.bench.errors import UserError
from contourbench.bench.files.predictions import (
    checked_prediction,
    find_predictions,
    match_ids,
    read_prediction,
    write_prediction,
)
from contourbench.eval import ContourMap, Hierarchy, Sweep, as_prediction, suppress_preset
from contourbench.eval.suppression import SUPPRESSION_PRESETS
from contourbench.eval.validation import looks_like_labels
from scipy.io import loadmat, savemat
from toy import SHAPE, soft_map, toy_image, toy_labels, toy_truth, write_maps, write_picture


@pytest.mark.parametrize(
    ("kind", "step"), [("npy", 0), ("mat", 0), ("ucm2", 0), ("png8", 1 / 255), ("png16", 1 / 65535)]
)
def test_kinds(tmp_path, kind, step):
    paths = find_predictions(write_maps(tmp_path / "maps", kind=kind))
    soft = read_prediction(paths["b"]).contour_map()
    np.testing.assert_allclose(soft, 0.1 + 0.7 * toy_truth(1), atol=step / 2 + 1e-7)


def test_segs(tmp_path):
    paths = find_predictions(write_maps(tmp_path / "maps", kind="segs"))
    prediction = read_prediction(paths["a"])
    assert isinstance(prediction, Sweep)
    assert [labels.shape for labels in prediction.segmentations] == [SHAPE, SHAPE]


def a_sweep():
    fine = np.arange(SHAPE[0] * SHAPE[1], dtype=np.int64).reshape(SHAPE)
    return checked_prediction({"fine": fine, "3_200": fine // 50, "one": np.zeros(SHAPE, bool)}, "sweep")


@pytest.mark.parametrize("suffix", [".npz", ".mat"])
def test_a_sweep_is_read_back(tmp_path, suffix):
    sweep = a_sweep()
    write_prediction(tmp_path / f"x{suffix}", sweep)
    again = read_prediction(tmp_path / f"x{suffix}")
    if suffix == ".npz":
        assert again.settings == sweep.settings == ("fine", "3_200", "one")
        assert again.digest() == sweep.digest()
    for ours, theirs in zip(sweep.segmentations, again.segmentations, strict=True):
        np.testing.assert_array_equal(theirs, ours + (1 if suffix == ".mat" else 0))  # MATLAB's 0 is no region


def test_segs_are_what_the_official_code_expects(tmp_path):
    write_prediction(tmp_path / "x.mat", a_sweep())
    segs = loadmat(tmp_path / "x.mat")["segs"]
    assert segs.shape == (1, 3)
    assert [cell.dtype for cell in segs[0]] == [np.uint16] * 3
    assert [cell.min() for cell in segs[0]] == [1, 1, 1]


@pytest.mark.parametrize("suffix", [".npz", ".mat"])
def test_a_hierarchy_is_read_back(tmp_path, suffix, random):
    hierarchy = Hierarchy(random.rand(9, 13))
    write_prediction(tmp_path / f"x{suffix}", hierarchy)
    again = read_prediction(tmp_path / f"x{suffix}")
    assert isinstance(again, Hierarchy)
    assert again.digest() == hierarchy.digest()


@pytest.mark.parametrize(("suffix", "step"), [(".npy", 0), (".mat", 0), (".png", 0.5001 / 65535)])
def test_a_map_is_read_back(tmp_path, suffix, step, random):
    soft = random.rand(*SHAPE).astype(np.float32)
    write_prediction(tmp_path / f"x{suffix}", ContourMap(soft))
    np.testing.assert_allclose(read_prediction(tmp_path / f"x{suffix}").values, soft, atol=step, rtol=0)


def test_what_a_format_cannot_hold(tmp_path):
    with pytest.raises(UserError, match=r"x.png: .png cannot hold 3 segmentations; expected .npz, .mat"):
        write_prediction(tmp_path / "x.png", a_sweep())
    with pytest.raises(UserError, match=r"x.npz: .npz cannot hold a contour map; expected .npy, .mat, .png"):
        write_prediction(tmp_path / "x.npz", ContourMap(np.zeros(SHAPE)))


def test_sweeps_in_several_forms():
    labels = np.zeros(SHAPE, np.uint8)
    for given in ([labels, labels], (labels, labels), Sweep((labels, labels)), {1: labels, 2: labels}):
        sweep = checked_prediction(given, "s", SHAPE)
        assert [layer.dtype for layer in sweep.segmentations] == [np.int32, np.int32]
    rows = checked_prediction([[0.0, 0.5], [1.0, 0.0]], "nested lists are one map")
    np.testing.assert_array_equal(rows.values, [[0, 0.5], [1, 0]])
    with pytest.raises(UserError, match="1 settings' names for 2"):
        checked_prediction(Sweep((labels, labels), ("a",)), "s")
    with pytest.raises(UserError, match="an empty sweep"):
        checked_prediction([], "s")


def test_png_values_are_divided_in_float64(tmp_path):
    write_picture(tmp_path / "x.png", np.full((2, 2), 51, np.uint8))
    assert (read_prediction(tmp_path / "x.png").values >= 0.2).all()


def test_inversion_is_exact(tmp_path):
    """1 - 204/255 is not quite 51/255, which a threshold of 0.2 would notice."""
    write_picture(tmp_path / "x.png", np.full((2, 2), 204, np.uint8))
    assert (read_prediction(tmp_path / "x.png", invert=True).values >= 0.2).all()


def write_bad(folder):
    """One file per way of being wrong, and what should be said about it."""
    np.save(folder / "pickled.npy", np.array([{"a": 1}], object), allow_pickle=True)
    np.save(folder / "whole.npy", np.ones(SHAPE))
    (folder / "cut.npy").write_bytes((folder / "whole.npy").read_bytes()[:300])
    (folder / "text.npy").write_text("not an array")
    np.save(folder / "nan.npy", np.full(SHAPE, np.nan))
    np.save(folder / "logits.npy", np.full(SHAPE, -3.0))
    np.save(folder / "bytes.npy", np.full(SHAPE, 200.0))
    np.save(folder / "stack.npy", np.zeros((3, *SHAPE)))
    np.save(folder / "whole_numbers.npy", np.zeros(SHAPE, np.int64))
    np.save(folder / "one.npy", np.zeros((1, *SHAPE)))
    savemat(folder / "one_more.mat", {"result": np.zeros((1, 1, *SHAPE))})
    savemat(folder / "three.mat", {"result": np.zeros((*SHAPE, 3))})
    np.save(folder / "to_three.npy", np.full(SHAPE, 3.0))
    np.save(folder / "over.npy", np.linspace(-0.18, 1.03, 768).reshape(SHAPE))
    np.save(folder / "labels.npy", toy_labels().astype(np.uint8))
    write_picture(folder / "labels16.png", toy_labels().astype(np.uint16))
    savemat(folder / "labels.mat", {"labels": toy_labels().astype(float)})
    write_picture(folder / "colour.png", toy_image())
    (folder / "cut.png").write_bytes((folder / "colour.png").read_bytes()[:100])
    (folder / "empty.png").write_bytes(b"")
    savemat(folder / "two.mat", {"a": np.zeros(SHAPE), "b": np.zeros(SHAPE)})
    np.savez(folder / "foreign.npz", weights=np.zeros(3))
    np.savez(folder / "pickled.npz", segmentations=np.array([{"a": 1}], object))
    (folder / "cut.npz").write_bytes((folder / "foreign.npz").read_bytes()[:60])
    np.savez(folder / "scalar.npz", segmentations=5)
    np.savez(folder / "fractions.npz", segmentations=np.full((2, *SHAPE), 0.5))
    savemat(folder / "even.mat", {"ucm2": np.zeros((8, 8))})
    (folder / "cut.mat").write_bytes((folder / "two.mat").read_bytes()[:200])
    (folder / "v73.mat").write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + b"\x89HDF\r\n\x1a\n" * 40)
    return {
        "pickled.npy": "would need unpickling",
        "foreign.npz": "arrays weights; expected segmentations",
        "scalar.npz": "expected segmentations",
        "pickled.npz": "cannot be read as npz",
        "cut.npz": "cannot be read as npz",
        "fractions.npz": "fractions found",
        "cut.npy": "cannot be read as npy",
        "text.npy": "not a npy file",
        "nan.npy": "holds NaN",
        "logits.npy": "sigmoid",
        "bytes.npy": "divide by 255",
        "stack.npy": "shape \\(3, 24, 32\\)",
        "one.npy": "squeeze it",
        "one_more.mat": "shape \\(1, 1, 24, 32\\), expected \\(H, W\\) \\(squeeze it",
        "three.mat": "shape \\(24, 32, 3\\), expected \\(H, W\\) \\(a colour image",
        "to_three.npy": "values from 3 to 3, .*divide all maps by one constant",
        "over.npy": "values from -0.18 to 1.03, .*clip to",
        "labels.npy": "3 whole numbers that fill areas, as in a label map.*`kind='labels'`",
        "labels16.png": "3 whole numbers that fill areas",
        "labels.mat": "3 whole numbers that fill areas",
        "whole_numbers.npy": "dtype int64",
        "colour.png": "a colour image",
        "cut.png": "cannot be read as an image",
        "empty.png": "empty file",
        "two.mat": "variables a, b; expected one contour map",
        "even.mat": "ucm2: shape \\(8, 8\\), expected \\(2H \\+ 1, 2W \\+ 1\\)",
        "cut.mat": "cannot be read as mat",
        "v73.mat": "v7.3",
    }


def test_bad_files_are_named(tmp_path):
    for name, message in write_bad(tmp_path).items():
        with pytest.raises(UserError, match=rf"{name}: .*{message}"):
            read_prediction(tmp_path / name)


def test_wrong_size():
    for shape, guess in (
        ((32, 24), "transposed"),
        ((32, 40), "padded"),
        ((12, 16), "cropped"),
        ((240, 320), "resized"),
    ):
        with pytest.raises(UserError, match=f"m: size {shape[0]}x{shape[1]} .*, but its image is 24x32.*{guess}"):
            checked_prediction(np.zeros(shape), "m", SHAPE)


def test_ids(tmp_path):
    found = find_predictions(write_maps(tmp_path / "maps"))
    match_ids(found, ("a", "b", "c"), tmp_path)
    match_ids(found, ("a",), tmp_path, partial=True)
    with pytest.raises(UserError, match=r"no prediction for 1 of 3 image\(s\): d; 1 prediction\(s\) without image: c"):
        match_ids(found, ("a", "b", "d"), tmp_path)


def test_two_files_of_one_id(tmp_path):
    write_maps(tmp_path / "maps")
    write_picture(tmp_path / "maps" / "a.png", np.zeros(SHAPE, np.uint8))
    with pytest.raises(UserError, match=r"same id as a.npy"):
        find_predictions(tmp_path / "maps")


def test_no_predictions(tmp_path):
    with pytest.raises(UserError, match="no predictions"):
        find_predictions(tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        find_predictions(tmp_path / "x")


def write_label_maps(folder, kind):
    """One label map per image."""
    folder.mkdir()
    for i, image_id in enumerate("abc"):
        labels = toy_labels(i)
        if kind in ("png", "tif"):
            write_picture(folder / f"{image_id}.{kind}", labels.astype(np.uint16 if kind == "tif" else np.uint8))
        elif kind == "mat":
            savemat(folder / f"{image_id}.mat", {"labels": labels.astype(np.uint16)})
        else:
            np.save(folder / f"{image_id}.npy", labels.astype(kind))
    return folder


@pytest.mark.parametrize("kind", ["png", "tif", "mat", "uint8", "uint16", "float64"])
def test_label_maps_are_scored_as_segmentations_if_said(capsys, tmp_path, folder, kind):
    given = (write_label_maps(tmp_path / "labels", kind), "--data", folder)
    for command in ("score", "doctor"):
        code, out, err = contourbench(capsys, command, *given, *(("--out", "o") if command == "score" else ()))
        assert code == 2
        assert "whole numbers that fill areas" in out + err
        assert "--kind labels" in out + err
    assert "3 x 1 segmentation" in contourbench(capsys, "doctor", *given, "--kind", "labels")[1]
    assert contourbench(capsys, "score", *given, "--out", "o", "--kind", "labels")[0] == 0
    counts = records("o")["a"]["counts"]
    assert (len(counts["thresholds"]), counts["cnt_p"]) == (1, counts["cnt_p"])
    assert "ok, 3 images counted again" in contourbench(capsys, "verify", "o", "--data", folder)[1]


def test_wide_integers_are_labels_without_being_asked(capsys, tmp_path, folder):
    given = (write_label_maps(tmp_path / "labels", "int64"), "--data", folder)
    assert "3 x 1 segmentation" in contourbench(capsys, "doctor", *given)[1]
    assert contourbench(capsys, "score", *given, "--out", "o")[0] == 0
    assert as_prediction(toy_labels()).description == "1 segmentation"
    for unclear in (toy_truth().astype(int), (255 * soft_map(0)).astype(int)):
        with pytest.raises(ValueError, match="dtype int64, expected float"):
            as_prediction(unclear)


def test_a_contour_map_may_look_like_labels_if_said(tmp_path):
    write_picture(tmp_path / "x.png", toy_labels().astype(np.uint8) * 36)
    assert isinstance(read_prediction(tmp_path / "x.png", kind="contours"), ContourMap)
    with pytest.raises(UserError, match="`kind='regions'`: unknown; expected contours or labels"):
        read_prediction(tmp_path / "x.png", kind="regions")


@pytest.mark.parametrize("preset", [None, *SUPPRESSION_PRESETS])
def test_contour_maps_do_not_look_like_labels(preset):
    for seed in range(3):
        soft = soft_map(seed)
        soft = suppress_preset(soft, preset) if preset else soft
        for levels in (32, 255):
            assert not looks_like_labels(np.rint(soft * levels).astype(np.uint8))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "of type NoneType"),
        ((np.zeros(SHAPE), 0.5), "a tuple of 2 with float in it"),
        ((np.zeros(SHAPE), np.zeros(3)), "a tuple of 2 with ndarray in it"),
        ([[0.0, 1.0], [1.0]], "rows that differ in length"),
        (0.5, "of type float"),
        ("x.png", "of type str"),
        (toy_labels().astype(np.uint8), r"a label map\? give it in a list"),
        (toy_labels().astype(float), r"a label map\? give it in a list"),
    ],
)
def test_what_a_detector_may_not_return_is_named(value, message):
    with pytest.raises(ValueError, match=f"map of d: .*{message}"):
        as_prediction(value, "map of d")


def test_rounding_passes_and_is_clipped():
    given = np.array([[np.float32(1.00000012), -1e-9]])
    np.testing.assert_array_equal(ContourMap(given).values, [[1, 0]])
    assert given[0, 1] < 0
    with pytest.raises(ValueError, match="clip"):
        ContourMap(np.array([[1.00001]]))


def test_ucm_at_the_wrong_size(tmp_path):
    image = np.zeros((9, 13))
    savemat(tmp_path / "small.mat", {"ucm2": image})
    savemat(tmp_path / "large.mat", {"ucm": np.zeros((19, 27)), "thresholds": np.zeros((1, 99))})
    savemat(tmp_path / "right.mat", {"ucm": image, "thresholds": np.zeros((1, 99))})
    with pytest.raises(UserError, match=r"ucm2 has the size of its image, expected double size"):
        checked_prediction(read_prediction(tmp_path / "small.mat"), "small", (9, 13))
    with pytest.raises(UserError, match=r"at double size\? save it in a variable ucm2"):
        checked_prediction(read_prediction(tmp_path / "large.mat"), "large", (9, 13))
    assert checked_prediction(read_prediction(tmp_path / "right.mat"), "right", (9, 13)).is_soft


@pytest.mark.parametrize("suffix", [".bmp", ".tif"])
def test_other_pictures(tmp_path, suffix):
    pixels = (255 * soft_map(1)).astype(np.uint8)
    write_picture(tmp_path / f"x{suffix}", pixels)
    np.testing.assert_array_equal(read_prediction(tmp_path / f"x{suffix}").values, pixels / 255)


def test_sub_folders_of_predictions_are_named(tmp_path):
    write_maps(tmp_path / "maps" / "test")
    (tmp_path / "maps" / "log").mkdir()
    with pytest.raises(UserError, match=r"no predictions .* found; there is a folder test/: name one of these"):
        find_predictions(tmp_path / "maps")


def test_names_that_almost_fit_are_shown(capsys, tmp_path, folder):
    maps = write_maps(tmp_path / "maps")
    for path in list(maps.iterdir()):
        path.rename(maps / f"fused_{path.name}")
    given = ("score", maps, "--out", "o")
    assert "rename the files: leave out 'fused_'" in fails(capsys, *given, "--data", folder)
    assert "ids of scenes, which are the default: say which --data" in fails(capsys, *given)


def test_binary_maps_are_told_of_their_ap(capsys, tmp_path, folder):
    maps = write_maps(tmp_path / "maps")
    for path in maps.iterdir():
        np.save(path, np.load(path) > 0.5)
    code, _, err = contourbench(capsys, "score", maps, "--data", folder, "--out", "o")
    assert (code, "binary maps: one point, not a curve" in err) == (0, True)
