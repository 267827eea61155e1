import numpy as np
import pytest
from command import contourbench, fails
from contourbench.eval import suppress_preset
from contourbench.eval.suppression import SUPPRESSION_PRESETS
from toy import SHAPE, soft_map, toy_image, toy_truth, write_maps, write_picture


def lines(out):
    return {line[7:17].strip(): line for line in out.splitlines()}


def doctor(capsys, maps, folder):
    code, out, err = contourbench(capsys, "doctor", maps, "--data", folder)
    return code, lines(out), err


@pytest.mark.parametrize("kind", ["npy", "png8", "png16", "mat", "ucm2"])
def test_nothing_wrong(capsys, tmp_path, folder, kind):
    code, found, _ = doctor(capsys, write_maps(tmp_path / "maps", kind=kind), folder)
    assert code == 0
    for check in ("names", "values", "kind", "polarity", "empty", "scale"):
        assert found[check].startswith("ok"), found[check]


def test_the_tolerance_is_told_in_pixels(capsys, tmp_path, folder):
    _, out, _ = contourbench(capsys, "doctor", write_maps(tmp_path / "maps"), "--data", folder)
    assert out.splitlines()[-1] == "tolerance 0.0075 of the diagonal: 0.30 px at 24x32"


@pytest.mark.parametrize(
    ("change", "check", "verdict", "message"),
    [
        (lambda soft: 1 - soft, "polarity", "look", "add --invert"),
        (lambda soft: 0 * soft, "empty", "look", "3 all-zero map(s) a, b, c"),
        (lambda soft: soft / 10, "scale", "look", "divide all maps by one constant"),
        (lambda soft: soft / 300, "scale", "WRONG", "use full scale"),
        (lambda soft: np.round(soft), "levels", "look", "2 distinct values"),
        (lambda soft: soft.T, "", "WRONG", "a, b, c: size 32x24 (H x W), but its image is 24x32 (H x W) (transposed?)"),
        (lambda soft: soft * 255, "", "WRONG", "divide by 255"),
        (lambda soft: soft - 3, "", "WRONG", "apply a sigmoid"),
        (lambda soft: np.pad(soft, ((0, 8), (0, 0))), "", "WRONG", "padded"),
        (lambda soft: np.kron(soft, np.ones((4, 4))), "", "WRONG", "resized by 4"),
    ],
)
def test_what_is_wrong_is_said(capsys, tmp_path, folder, change, check, verdict, message):
    maps = write_maps(tmp_path / "maps")
    for path in maps.iterdir():
        np.save(path, change(np.load(path)))
    code, found, err = doctor(capsys, maps, folder)
    assert found[check].startswith(verdict), found
    assert message in found[check]
    assert code == (2 if verdict == "WRONG" else 0)
    assert ("cannot be scored as it is" in err) == (verdict == "WRONG")


def test_inverted_maps_are_not_judged_further(capsys, tmp_path, folder):
    maps = write_maps(tmp_path / "maps")
    for path in maps.iterdir():
        np.save(path, 1 - np.load(path))
    found = doctor(capsys, maps, folder)[1]
    assert "add --invert" in found["polarity"]
    assert not {"top", "thickness"} & set(found)
    code, out, _ = contourbench(capsys, "doctor", maps, "--data", folder, "--invert")
    assert code == 0
    assert {"top", "thickness"} <= set(lines(out))


def test_like_mistakes_are_one_line(capsys, tmp_path, folder):
    maps = write_maps(tmp_path / "maps")
    for k, path in enumerate(sorted(maps.iterdir())):
        np.save(path, np.load(path) * (20 + k) - 4)
    code, found, _ = doctor(capsys, maps, folder)
    assert code == 2
    assert "3 maps, such as a: values from" in found[""]
    assert "kind" not in found
    for path in maps.iterdir():
        np.save(path, np.zeros((5, 7)))
    assert "a, b, c: size 5x7" in doctor(capsys, maps, folder)[1][""]
    assert "save each map at the size of its image" in doctor(capsys, maps, folder)[1][""]


def test_maps_divided_by_their_own_maximum(capsys, tmp_path, folder, random):
    (tmp_path / "own").mkdir()
    for name in "abc":
        soft = random.rand(120, 120)
        np.save(tmp_path / "own" / f"{name}.npy", soft / soft.max())
        write_picture(folder / "images" / f"{name}.png", random.randint(0, 256, (120, 120, 3), np.uint8))
    found = doctor(capsys, tmp_path / "own", folder)[1]
    assert "divided by its own maximum" in found["scale"]
    np.save(tmp_path / "own" / "b.npy", 0.9 * soft / soft.max())
    assert doctor(capsys, tmp_path / "own", folder)[1]["scale"].startswith("ok")


def test_names_with_something_added(capsys, tmp_path, folder):
    maps = write_maps(tmp_path / "maps")
    for path in list(maps.iterdir()):
        path.rename(maps / f"{path.stem}_edge.npy")
    assert "rename the files: leave out '_edge'" in doctor(capsys, maps, folder)[1]["names"]


def test_jpeg_is_no_map(capsys, tmp_path, folder):
    (tmp_path / "maps").mkdir()
    write_picture(tmp_path / "maps" / "a.jpg", np.zeros(SHAPE, np.uint8))
    assert "there are .jpg (JPEG changes values: save png)" in doctor(capsys, tmp_path / "maps", folder)[2]


def test_missing_and_extra_names(capsys, tmp_path, folder):
    maps = write_maps(tmp_path / "maps")
    (maps / "a.npy").rename(maps / "z.npy")
    code, found, _ = doctor(capsys, maps, folder)
    assert code == 2
    assert "2 of 3 images have a prediction; missing: a; without image: z" in found["names"]


def test_thick_and_thin(capsys, tmp_path, folder):
    (tmp_path / "thick").mkdir()
    for i, name in enumerate("abc"):
        filled = np.maximum.accumulate(toy_truth(i), axis=1) * 0.9
        write_picture(tmp_path / "thick" / f"{name}.png", (255 * filled).astype(np.uint8))
    assert "--nms hed" in doctor(capsys, tmp_path / "thick", folder)[1]["thickness"]
    (tmp_path / "thin").mkdir()
    for name in "abc":
        line = np.zeros(SHAPE)
        line[12] = 0.9
        np.save(tmp_path / "thin" / f"{name}.npy", line)
    assert "thin already" in doctor(capsys, tmp_path / "thin", folder)[1]["thickness"]


def on_soft_maps(tmp_path, folder, change):
    """Raw soft maps, changed, of images as large as they."""
    (tmp_path / "soft").mkdir()
    for i, name in enumerate("abc"):
        np.save(tmp_path / "soft" / f"{name}.npy", change(soft_map(i)))
        write_picture(folder / "images" / f"{name}.png", toy_image(shape=soft_map(i).shape))
    return tmp_path / "soft"


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize("upside_down", [False, True])
@pytest.mark.parametrize("preset", [None, *SUPPRESSION_PRESETS])
@pytest.mark.parametrize("bits", [8, 32])
def test_advice_on_raw_and_suppressed_maps(capsys, tmp_path, folder, bits, preset, upside_down, invert):
    def change(soft):
        soft = suppress_preset(soft, preset) if preset else soft
        soft = np.rint(255 * soft).astype(np.uint8) if bits == 8 else soft
        return (255 if bits == 8 else 1) - soft if upside_down else soft

    maps, options = on_soft_maps(tmp_path, folder, change), ["--invert"] if invert else []
    found = lines(contourbench(capsys, "doctor", maps, "--data", folder, *options)[1])
    if upside_down != invert:
        assert ("leave out --invert" if invert else "add --invert") in found["polarity"]
        assert "thickness" not in found
    else:
        assert found["polarity"].startswith("ok")
        assert ("thick contours" if preset is None else "thin already") in found["thickness"]
        assert ("--nms hed" in found["thickness"]) == (preset is None)


def test_upright_maps_are_not_scored_inverted(capsys, tmp_path, folder):
    maps = write_maps(tmp_path / "maps")
    err = fails(capsys, "score", maps, "--data", folder, "--out", "o", "--invert")
    assert "upright already" in err
    assert "leave out --invert" in err


def test_mixed_kinds(capsys, tmp_path, folder):
    maps = write_maps(tmp_path / "maps", kind="segs")
    (maps / "a.mat").unlink()
    np.save(maps / "a.npy", np.zeros(SHAPE))
    code, found, _ = doctor(capsys, maps, folder)
    assert code == 2
    assert "1 x a contour map; 2 x 2 segmentations; expected one kind" in found["kind"]
