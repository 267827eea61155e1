"""Files that lie, explode or were damaged: one line about each, bounded memory, and never a crash."""

import io
import json
import random
import shutil
import struct
import sys
import tracemalloc
import zlib

import numpy as np
import pytest
from contourbench.bench.datasets.ground_truth import read_segmentations, read_truth
from contourbench.bench.errors import UserError
from contourbench.bench.files import arrays
from contourbench.bench.files.arrays import read_mat
from contourbench.bench.files.images import read_image
from contourbench.bench.files.matlab import unpack_mat
from contourbench.bench.files.predictions import read_prediction
from contourbench.bench.report.tables import make_tables
from contourbench.bench.runs.results import load_meta, load_run
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import loadmat, savemat
from scipy.sparse import csc_array
from toy import SHAPE, picture_bytes, toy_truth

HEADER = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
MATRIX, COMPRESSED, CELL, STRUCTURE, DOUBLE = 14, 15, 1, 2, 6
TOO_MUCH = 2_000_000


def element(kind, data=b"", size=None):
    padding = b"" if kind == COMPRESSED else bytes(-len(data) % 8)
    return struct.pack("<II", kind, len(data) if size is None else size) + data + padding


def array(kind, shape, *parts, name=b"x"):
    header = [element(6, struct.pack("<II", kind, 0)), element(5, struct.pack(f"<{len(shape)}i", *shape))]
    return element(MATRIX, b"".join([*header, element(1, name), *parts]))


def deflated(data):
    return element(COMPRESSED, zlib.compress(data))


def cell_row(*values):
    cells = np.empty((1, len(values)), object)
    for i, value in enumerate(values):
        cells[0, i] = value
    return cells


def variables():
    """What data sets and predictions hold, in all types of numbers."""
    base = np.arange(12).reshape(3, 4)
    numbers = {f"x{kind}": base.astype(kind) for kind in ("f8", "f4", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8")}
    truth = cell_row(*({"Segmentation": base.astype(np.uint16), "Boundaries": base > k} for k in (3, 7)))
    extra = {"deep": np.zeros((2, 3, 4)), "mask": base > 4, "none": np.zeros((0, 3)), "half": base / 7}
    return {**numbers, **extra, "segs": cell_row(base.astype(np.uint16), base / 2), "groundTruth": truth}


def same(ours, theirs):
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
    for name in ours.dtype.names or ():
        same(ours[name], theirs[name])
    if ours.dtype == object:
        for a, b in zip(ours.ravel(), theirs.ravel(), strict=True):
            same(a, b)
    elif ours.dtype.names is None:
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("version", ["5", "7", "4"])
def test_mat_files_are_read_as_scipy_reads_them(tmp_path, version):
    given = {"edge": np.arange(12.0).reshape(3, 4)} if version == "4" else variables()
    savemat(tmp_path / "x.mat", given, do_compression=version == "7", format="4" if version == "4" else "5")
    ours, theirs = read_mat(tmp_path / "x.mat"), loadmat(tmp_path / "x.mat", mat_dtype=True)
    assert set(ours) == set(given)
    for name, value in ours.items():
        same(value, theirs[name])


def test_real_mat_files_are_read_as_scipy_reads_them(bsds500, bench_sample):
    paths = [*sorted((bsds500 / "groundTruth" / "val").iterdir())[::25], *sorted(bench_sample.rglob("*.mat"))[::3]]
    for path in paths:
        theirs = loadmat(path, mat_dtype=True)
        for name, value in read_mat(path).items():
            same(value, theirs[name])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (deflated(bytes(50 * TOO_MUCH)), "more than 0.002 GB when unpacked"),
        (
            b"".join(deflated(array(DOUBLE, (1, 10**5), element(2, bytes(10**5)))) for _ in range(9)),
            "more than 0.002 GB",
        ),
        (deflated(deflated(array(DOUBLE, (1, 1), element(9, bytes(8))))), "an element of type 15"),
        (array(DOUBLE, (2**30, 2**30), element(2, b"1")), "cannot reshape"),
        (array(DOUBLE, (1, 1), element(9, b"", size=2**32 - 1)), "unexpected end"),
        (array(DOUBLE, (-4, -2), element(2, bytes(8))), "dimensions"),
        (array(DOUBLE, (1, 1), element(77, bytes(8))), "values of type 77"),
        (array(DOUBLE, (), element(2, b"1")), "dimensions"),
        (array(CELL, (2**31 - 1, 1)), "cannot reshape"),
        (array(CELL, (1, 200_000), *[element(MATRIX)] * 200_000), "more than 100000 arrays"),
        (array(STRUCTURE, (2**31 - 1, 9), element(5, struct.pack("<i", 4)), element(1, b"abc\0")), "cannot reshape"),
        (array(STRUCTURE, (1, 1), element(5, struct.pack("<i", 0)), element(1, b"abc\0")), "without names"),
        (element(7, b"1234"), "an element of type 7"),
        (deflated(array(DOUBLE, (1, 1), element(9, bytes(8))))[:-3], "unexpected end"),
    ],
)
def test_mat_files_that_lie(tmp_path, monkeypatch, content, message):
    """What a few bytes promise is not believed, and what they unpack to is counted."""
    monkeypatch.setattr(arrays, "LARGEST_ARCHIVE", TOO_MUCH)
    (tmp_path / "x.mat").write_bytes(HEADER + content)
    tracemalloc.start()
    with pytest.raises(UserError, match=rf"x.mat: cannot be read as mat \(.*{message}"):
        read_mat(tmp_path / "x.mat")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50_000_000  # the first one unpacks to 100 MB


def test_cells_within_cells_do_not_fill_the_stack():
    def nested(depth):
        inner = array(DOUBLE, (1, 1), element(9, bytes(8)))
        for _ in range(depth):
            inner = array(CELL, (1, 1), inner)
        return HEADER + deflated(inner)

    assert unpack_mat(nested(10), 10**6)["x"].shape == (1, 1)
    with pytest.raises(ValueError, match="cells within cells"):
        unpack_mat(nested(5000), 10**6)


def test_what_we_do_not_read_is_named(tmp_path):
    savemat(tmp_path / "x.mat", {"note": "by hand", "thin": csc_array(np.eye(4))})
    with pytest.raises(UserError, match=r"x.mat: variables note, thin; expected one contour map"):
        read_prediction(tmp_path / "x.mat")
    savemat(tmp_path / "x.mat", {"note": "by hand", "edge": np.eye(4)})
    np.testing.assert_array_equal(read_prediction(tmp_path / "x.mat").contour_map(), np.eye(4))


@pytest.mark.parametrize("can_read", [True, False])
def test_version_73_is_refused_in_one_line(tmp_path, monkeypatch, can_read):
    if not can_read:
        monkeypatch.setitem(sys.modules, "h5py", None)
    header = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM"
    (tmp_path / "x.mat").write_bytes(header.ljust(512, b"\0") + b"\x89HDF\r\n\x1a\n" + bytes(2000))
    for reader in (read_prediction, read_truth, read_segmentations):
        with pytest.raises(UserError) as caught:
            reader(tmp_path / "x.mat")
        said = str(caught.value).removeprefix(f"{tmp_path / 'x.mat'}: ")
        if can_read:
            assert said.startswith("cannot be read as mat v7.3 (")
        else:
            install = "pip install 'contourbench[hdf5]' to read it, or save it with save(..., '-v7')"
            assert said == f"MATLAB v7.3 (HDF5) file; {install}"
        assert "\n" not in said


def mat_bytes(values, **options):
    buffer = io.BytesIO()
    savemat(buffer, values, **options)
    return buffer.getvalue()


def whole_files():
    """Each format's reader gets valid files, which are then damaged."""
    labels = toy_truth().cumsum(1) % 3
    truth = cell_row({"Segmentation": labels.astype(np.uint16), "Boundaries": toy_truth()})
    arrays = io.BytesIO()
    np.save(arrays, toy_truth().astype(np.float32) / 2)
    archive = io.BytesIO()
    np.savez_compressed(archive, segmentations=np.stack([labels, labels]), settings=np.array(["a", "b"]))
    runs = "\n".join(f"0 {row} 0 {SHAPE[1] - 1}" for row in range(SHAPE[0]))
    return {
        "map.mat": mat_bytes({"edge": toy_truth() / 2}),
        "old.mat": mat_bytes({"edge": toy_truth() / 2}, format="4"),
        "sparse.mat": mat_bytes({"edge": csc_array(toy_truth().astype(float)), "ucm2": np.zeros((5, 7))}),
        "segs.mat": mat_bytes({"segs": cell_row(labels.astype(np.uint16), labels.astype(float))}),
        "truth.mat": mat_bytes({"groundTruth": truth}),
        "packed.mat": mat_bytes({"groundTruth": truth}, do_compression=True),
        "label.mat": mat_bytes({"LabelMap": labels.astype(np.uint8)}),
        "x.npy": arrays.getvalue(),
        "x.npz": archive.getvalue(),
        "x.png": picture_bytes(toy_truth().astype(np.uint8) * 200, "png"),
        "x.bmp": picture_bytes(toy_truth().astype(np.uint8) * 200, "bmp"),
        "x.seg": f"format ascii cr\nwidth {SHAPE[1]}\nheight {SHAPE[0]}\ndata\n{runs}\n".encode(),
    }


WHOLE = whole_files()
WORDS = [struct.pack("<I", n) for n in (0, 1, 2, 5, 6, 9, 14, 15, 40, 255, 2**16, 2**31 - 1, 2**31, 2**32 - 1)]
WORDS += [struct.pack("<d", x) for x in (np.nan, np.inf, -1.0, 1e300)]
damages = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=9) | st.sampled_from(WORDS)))


@settings(max_examples=200)
@given(name=st.sampled_from(sorted(WHOLE)), damage=damages, kept=st.floats(0, 1), cut=st.booleans())
def test_damaged_files_are_refused_or_read(tmp_path_factory, name, damage, kept, cut):
    data = bytearray(WHOLE[name])
    for place, new in damage:
        start = int(place * len(data)) // 4 * 4
        data[start : start + len(new)] = new
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(bytes(data[: int(kept * len(data))] if cut else data))
    readers = [] if name.endswith((".seg", ".bmp")) else [read_prediction]
    for reader in [*readers, *([] if name.endswith(".npz") else [read_truth, read_segmentations])]:
        try:
            reader(path)
        except UserError as error:
            assert str(error).startswith(f"{path}: ")
            assert "\n" not in str(error)


@pytest.mark.parametrize(("height", "width"), [(10**5, 10**5), (3, 10**9), (10**7, 1), (-3, -3)])
def test_a_seg_file_that_promises_much(tmp_path, height, width):
    (tmp_path / "x.seg").write_text(f"width {width}\nheight {height}\ndata\n0 0 0 0\n0 1 0 0\n0 2 0 0\n")
    tracemalloc.start()
    with pytest.raises(UserError, match=r"x.seg: (not a segmentation|pixels without a segment)"):
        read_truth(tmp_path / "x.seg")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_pictures_are_pictures_and_no_bombs(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *given, **more: started.append(given))
    (tmp_path / "program.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n")
    rows = zlib.compress(bytes(20_001 * 200))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 20_000, 20_000, 8, 0, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b"")]
    packed = b"".join(struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks)
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + packed)
    for name in ("program.png", "bomb.png"):
        with pytest.raises(UserError, match=rf"{name}: cannot be read as an image"):
            read_image(tmp_path / name)
    assert not started  # Pillow runs Ghostscript on EPS


# What may stand in JSON, sensible here and there.
ODD = [None, True, -1, 0, 2, 10**30, 0.5, 1e300, float("nan"), "", "x", "../x", "\ud800", [], {}, [1], [[1]], {"a": 1}]


def spots(value, path=()):
    """Paths of everything in a JSON value."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inside:
        yield from spots(part, (*path, key))


def damaged(value, choose):
    """The value with one thing in it, often one near the top, replaced, removed or added."""
    paths = list(spots(value))
    path = choose.choice([p for p in paths if len(p) <= choose.choice([1, 2, 9])])
    if not path:
        return choose.choice(ODD)
    inside = value
    for key in path[:-1]:
        inside = inside[key]
    act = choose.random()
    if act < 0.2:
        del inside[path[-1]]
    elif act < 0.3 and isinstance(inside, dict):
        inside["new"] = choose.choice(ODD)
    elif act < 0.4 and isinstance(inside, list):
        inside.append(choose.choice(ODD))
    else:
        inside[path[-1]] = choose.choice(ODD)
    return value


@settings(max_examples=150)
@given(seed=st.integers(0, 2**32))
def test_damaged_results_are_refused_or_read(scenes, tmp_path_factory, seed):
    """Whatever stands in them, tables say something or are made."""
    choose = random.Random(seed)
    folder = tmp_path_factory.getbasetemp() / "damaged"
    shutil.copytree(scenes / "felzenszwalb", folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("maps"))
    path = folder / choose.choice(["run.json", "scores.json", "counts.jsonl"])
    lines = [path.read_text()] if path.suffix == ".json" else path.read_text().splitlines()
    k = choose.randrange(len(lines))
    lines[k] = json.dumps(damaged(json.loads(lines[k]), choose))
    path.write_text("\n".join(lines) + "\n")
    if choose.random() < 0.2:
        data = bytearray(path.read_bytes())
        data[choose.randrange(len(data))] = choose.randrange(256)
        path.write_bytes(bytes(data))
    for look in (load_run, *(lambda f, m=m: make_tables([f], measure=m) for m in ("contours", "regions", "ap"))):
        try:
            look(folder)
        except UserError as error:
            assert str(folder) in str(error)


META_SPOTS = (
    *[("detector",), ("dataset",), ("protocol",), ("hashes",), ("versions",), ("finished",), ("seconds",), ("failed",)],
    *[("params",), ("predictions",), ("dataset", "name"), ("dataset", "split"), ("dataset", "ids")],
    *[("dataset", "ids", 0), ("protocol", "thresholds"), ("protocol", "max_dist"), ("protocol", "nms")],
    *[("protocol", "definition"), ("versions", "numpy"), ("seconds", "scene001")],
)


@pytest.mark.parametrize("spot", META_SPOTS, ids=str)
def test_nothing_in_run_json_may_be_of_another_kind(scenes, tmp_path, spot):
    meta = json.loads((scenes / "sobel" / "run.json").read_text())
    inside = meta
    for key in spot[:-1]:
        inside = inside[key]
    for odd in (7.5, [[]], "\ud800"):
        inside[spot[-1]] = odd
        (tmp_path / "run.json").write_text(json.dumps(meta))
        with pytest.raises(UserError, match=r"run.json: not the record of a run"):
            load_meta(tmp_path)


def test_results_nested_too_deeply(scenes, tmp_path):
    shutil.copytree(scenes / "sobel", tmp_path / "sobel")
    for name in ("run.json", "scores.json", "counts.jsonl"):
        (tmp_path / "sobel" / name).write_text("[" * 200_000 + "\n")
        with pytest.raises(UserError, match="run or score again"):
            load_run(tmp_path / "sobel") if name != "scores.json" else make_tables([tmp_path / "sobel"])
        shutil.copy(scenes / "sobel" / name, tmp_path / "sobel" / name)
