import imageio.v3 as iio
import numpy as np
import pytest
from contourbench.bench.errors import UserError
from contourbench.bench.predictions import Sweep, checked_prediction, find_predictions, match_ids, read_prediction
from scipy.io import savemat
from toy import SHAPE, toy_image, toy_truth, write_maps


@pytest.mark.parametrize(
    ("kind", "step"), [("npy", 0), ("mat", 0), ("ucm2", 0), ("png8", 1 / 255), ("png16", 1 / 65535)]
)
def test_kinds(tmp_path, kind, step):
    paths = find_predictions(write_maps(tmp_path / "maps", kind=kind))
    prediction = read_prediction(paths["b"])
    np.testing.assert_allclose(prediction, 0.1 + 0.7 * toy_truth(1), atol=step / 2 + 1e-7)


def test_segs(tmp_path):
    paths = find_predictions(write_maps(tmp_path / "maps", kind="segs"))
    prediction = read_prediction(paths["a"])
    assert isinstance(prediction, Sweep)
    assert [labels.shape for labels in prediction.segmentations] == [SHAPE, SHAPE]


def test_png_values_are_divided_in_float64(tmp_path):
    iio.imwrite(tmp_path / "x.png", np.full((2, 2), 51, np.uint8))
    assert (read_prediction(tmp_path / "x.png") >= 0.2).all()


def test_inversion_is_exact(tmp_path):
    """1 - 204/255 is not quite 51/255, which a threshold of 0.2 would notice."""
    iio.imwrite(tmp_path / "x.png", np.full((2, 2), 204, np.uint8))
    assert (read_prediction(tmp_path / "x.png", invert=True) >= 0.2).all()


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
    iio.imwrite(folder / "colour.png", toy_image())
    (folder / "cut.png").write_bytes((folder / "colour.png").read_bytes()[:100])
    (folder / "empty.png").write_bytes(b"")
    savemat(folder / "two.mat", {"a": np.zeros(SHAPE), "b": np.zeros(SHAPE)})
    savemat(folder / "even.mat", {"ucm2": np.zeros((8, 8))})
    (folder / "cut.mat").write_bytes((folder / "two.mat").read_bytes()[:200])
    (folder / "v73.mat").write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + b"\x89HDF\r\n\x1a\n" * 40)
    return {
        "pickled.npy": "would need unpickling",
        "cut.npy": "cannot be read as npy",
        "text.npy": "not a npy file",
        "nan.npy": "holds NaN",
        "logits.npy": "sigmoid",
        "bytes.npy": "divide by 255",
        "stack.npy": "shape \\(3, 24, 32\\)",
        "whole_numbers.npy": "dtype int64",
        "colour.png": "a colour image",
        "cut.png": "cannot be read as an image",
        "empty.png": "cannot be read as an image",
        "two.mat": "variables a, b; expected one contour map",
        "even.mat": "ucm2 of shape \\(8, 8\\)",
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
    iio.imwrite(tmp_path / "maps" / "a.png", np.zeros(SHAPE, np.uint8))
    with pytest.raises(UserError, match=r"same id as a.npy"):
        find_predictions(tmp_path / "maps")


def test_no_predictions(tmp_path):
    with pytest.raises(UserError, match="no predictions"):
        find_predictions(tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        find_predictions(tmp_path / "x")
