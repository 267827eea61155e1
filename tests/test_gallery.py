import numpy as np
from command import contourbench, fails
from contourbench.bench.report.gallery import dark_on_white, mean_colours
from toy import read_picture, toy_image, write_picture


def test_mean_colours(random):
    labels, image = np.array([[7, 7, -2]]), np.array([[[10, 0, 0], [20, 2, 0], [5, 5, 5]]], np.uint8)
    np.testing.assert_array_equal(mean_colours(labels, image), [[[15, 1, 0], [15, 1, 0], [5, 5, 5]]])


def test_a_column_per_run_a_row_per_image(capsys, tmp_path):
    out = tmp_path / "o"
    assert contourbench(capsys, "run", "sobel", "felzenszwalb", "--limit", 3, "--out", out)[0] == 0
    gallery = ("gallery", out / "sobel", out / "felzenszwalb", "--data", "scenes")
    assert contourbench(capsys, *gallery, "--images", "scene001", "scene003", "--out", tmp_path / "two.png")[0] == 0
    assert contourbench(capsys, *gallery, "--images", "scene001", "--out", tmp_path / "one.png")[0] == 0
    two, one = (read_picture(tmp_path / name) for name in ("two.png", "one.png"))
    assert two.shape[1] == one.shape[1]
    assert 1.5 < two.shape[0] / one.shape[0] < 2.2
    assert (one[..., :3].std(axis=(0, 1)) > 10).all()
    assert contourbench(capsys, *gallery, "--images", "scene001", "--out", tmp_path / "again.png")[0] == 0
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "one.png").read_bytes()


def test_matches_in_three_colours(capsys, tmp_path):
    out = tmp_path / "o"
    assert contourbench(capsys, "run", "sobel(sigma=2)", "felzenszwalb", "--limit", 2, "--out", out)[0] == 0
    gallery = ("gallery", out, "--data", "scenes", "--images", "scene002", "--out", tmp_path / "m.png", "--matches")
    assert contourbench(capsys, *gallery)[0] == 0
    picture = read_picture(tmp_path / "m.png")[..., :3].astype(int)
    for colour in ((213, 94, 0), (0, 114, 178), (0, 0, 0)):
        assert (np.abs(picture - colour).max(axis=2) < 40).sum() > 50, colour
    assert contourbench(capsys, *gallery[:-2], tmp_path / "m.svg", "--matches")[0] == 0
    text = (tmp_path / "m.svg").read_text()
    rest = text[text.index('id="legend_1"') :]
    for name, colour in (("hit", "#000000"), ("false alarm", "#d55e00"), ("miss", "#0072b2")):
        before, _, rest = rest.partition(f">{name}</text>")
        assert f"stroke: {colour}" in before, name
    assert contourbench(capsys, *gallery[:-2], tmp_path / "n.svg")[0] == 0
    assert ">miss</text>" not in (tmp_path / "n.svg").read_text()


def test_detectors_by_name(capsys, tmp_path):
    out = tmp_path / "o"
    assert contourbench(capsys, "run", "sobel", "--limit", 3, "--out", out)[0] == 0
    common = ("--data", "scenes", "--images", "scene003", "scene001", "--workers", 1)
    kept = ("--keep", tmp_path / "kept")
    gallery = ("gallery", out / "sobel", "canny", "felzenszwalb", *common)
    code, shown, err = contourbench(capsys, *gallery, *kept, "--out", tmp_path / "named.png")
    assert (code, shown.strip()) == (0, str(tmp_path / "named.png"))
    assert "canny: 2 of 2 images" in err
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["canny", "felzenszwalb"]
    assert sorted(path.stem for path in (tmp_path / "kept/canny/maps").iterdir()) == ["scene001", "scene003"]
    again = ("gallery", out / "sobel", tmp_path / "kept/canny", tmp_path / "kept/felzenszwalb", *common)
    assert contourbench(capsys, *again, "--out", tmp_path / "stored.png")[0] == 0
    assert (tmp_path / "named.png").read_bytes() == (tmp_path / "stored.png").read_bytes()
    assert contourbench(capsys, *gallery, "--out", tmp_path / "unkept.png")[0] == 0
    assert (tmp_path / "named.png").read_bytes() == (tmp_path / "unkept.png").read_bytes()


def test_labels_and_size(capsys, tmp_path):
    gallery = ("gallery", "sobel", "--data", "scenes", "--images", "scene001", "--workers", 1)
    assert contourbench(capsys, *gallery, "--out", tmp_path / "a.svg", "--labels", "what we see")[0] == 0
    assert contourbench(capsys, *gallery, "--out", tmp_path / "a.png", "--width", 4, "--dpi", 50)[0] == 0
    assert read_picture(tmp_path / "a.png").shape[1] == 200
    assert "--labels: 2 for 1 runs (sobel)" in fails(
        capsys, *gallery, "--labels", "a", "b", "--out", tmp_path / "b.png"
    )
    assert "--dpi 5" in fails(capsys, *gallery, "--dpi", 5)
    assert "--width 1" in fails(capsys, *gallery, "--width", 1)
    assert "no such folder of runs" in fails(capsys, "gallery", "results/sobel", *gallery[2:])
    assert "did you mean sobel?" in fails(capsys, "gallery", "sobl", *gallery[2:])
    assert "not in scenes" in fails(capsys, "gallery", "sobel", "--images", "scene9")


def test_lines_stay_visible_when_small():
    soft = np.zeros((8, 40))
    soft[:, 20] = 1
    assert (dark_on_white(soft) < 128).any(axis=2).sum() == 8
    assert (dark_on_white(soft, 400) < 128).any(axis=2).sum() == 8
    assert (dark_on_white(soft, 20) < 128).any(axis=2).sum() == 16


def test_what_cannot_be_shown(capsys, tmp_path):
    out = tmp_path / "o"
    assert contourbench(capsys, "run", "sobel", "--limit", 1, "--out", out)[0] == 0
    gallery = ("gallery", out, "--data", "scenes", "--out", tmp_path / "g.pdf")
    assert "not in scenes; did you mean scene0" in fails(capsys, *gallery, "--images", "scene01")
    assert "not an image of both" in fails(capsys, *gallery, "--images", "scene002")
    assert f"--split val: {out / 'sobel'} is on scenes test" in fails(capsys, *gallery, "--split", "val")
    (out / "sobel" / "maps" / "scene001.npy").unlink()
    assert "no saved map of scene001" in fails(capsys, *gallery)


def test_the_split_is_that_of_the_run(capsys, tmp_path):
    run = ("run", "sobel", "--limit", 1, "--split", "val", "--data", "scenes", "--out", tmp_path / "o")
    assert contourbench(capsys, *run)[0] == 0
    gallery = ("gallery", tmp_path / "o", "--data", "scenes", "--out", tmp_path / "g.png")
    assert contourbench(capsys, *gallery)[0] == 0
    assert "is on scenes val" in fails(capsys, *gallery, "--split", "train")


def test_another_picture_of_that_name(capsys, folder):
    assert contourbench(capsys, "run", "sobel", "--data", folder, "--out", "o")[0] == 0
    write_picture(folder / "images" / "a.png", toy_image(9))
    gallery = ("gallery", "o/sobel", "--data", folder, "--images", "a", "--out", "g.png")
    assert "the image of a is not the one that sobel was counted with" in fails(capsys, *gallery)
