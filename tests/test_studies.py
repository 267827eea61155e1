"""The tables of what was tried: `variants` over stored runs, `ablation` over its cache."""

import numpy as np
import pytest
from command import contourbench
from contourbench.bench.files.arrays import read_npz, write_npz
from contourbench.bench.studies import variants
from contourbench.eval.counting import count_map
from contourbench.eval.protocol import BoundaryProtocol


@pytest.fixture
def results(capsys, tmp_path):
    run = ("run", "sobel", "sobel(sigma=1)", "--data", "scenes", "--limit", 3, "--thresholds", 9)
    assert contourbench(capsys, *run, "--out", tmp_path / "runs")[0] == 0
    return tmp_path / "runs"


def test_variants_stand_beside_the_reference(capsys, results, tmp_path):
    out = tmp_path / "table.md"
    assert variants.main([str(results), "--reference", "sobel", "--out", str(out)]) == 0
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in out.read_text().splitlines()]
    assert head[-3:] == ["ODS − `sobel`", "AP − `sobel`", "seconds"]
    by_name = {row[0]: row for row in rows}
    assert by_name["`sobel`"][5:7] == ["–", "–"]
    difference = float(by_name["`sobel(sigma=1)`"][5].split(" ")[0])
    ods = [float(by_name[name][1].split(" ")[0]) for name in ("`sobel(sigma=1)`", "`sobel`")]
    assert difference == pytest.approx(ods[0] - ods[1], abs=0.0011)
    assert [float(row[1][:5]) for row in rows] == sorted((float(row[1][:5]) for row in rows), reverse=True)


def test_an_unknown_reference_is_named(capsys, results, tmp_path):
    assert variants.main([str(results), "--reference", "canny", "--out", str(tmp_path / "t.md")]) == 2
    assert "'canny' is not among the runs: sobel, sobel(sigma=1)" in capsys.readouterr().err


def tiny(ablation, monkeypatch):
    fields = {name: (values, (4,)) for name, (values, _) in ablation.FIELDS.items() if name in ("usual", "quarter")}
    variants = (
        ablation.Variant("default", "cnf", after=4),
        ablation.Variant("layers", "L = 3", {"layers": 3, "heads": 4}, after=4),
        ablation.Variant("resolution", "1/4", of="quarter", after=4),
        ablation.Variant("final head", "centred", {"output": "final", "heads": 4}, after=4),
    )
    monkeypatch.setattr(ablation, "FIELDS", fields)
    monkeypatch.setattr(ablation, "VARIANTS", variants)
    monkeypatch.setattr(ablation, "DEFAULT", variants[0])
    return variants


def test_a_variant_of_the_ablation_is_the_detector_with_these_settings(monkeypatch, tmp_path, random):
    pytest.importorskip("torch")
    from contourbench.bench.studies import ablation
    from contourbench.cnf_contours.contours.detectors import detect

    image = random.randint(0, 256, (24, 32, 3)).astype(np.uint8)
    for variant in tiny(ablation, monkeypatch):
        with ablation.one_thread():
            for _ in range(2):  # fitted, then from the cache
                found = ablation._contours(image, variant, 1, tmp_path)
                np.testing.assert_array_equal(found, detect(image, variant.config(1), "cpu"))


def test_steady_axes_take_the_place_of_the_features(monkeypatch, tmp_path, random):
    pytest.importorskip("torch")
    from contourbench.bench.studies import ablation

    image = random.randint(0, 256, (24, 32, 3)).astype(np.uint8)
    tiny(ablation, monkeypatch)
    kinds = [ablation.Variant("x", str(d), {"source": "features", "heads": 4}, after=4, steady=d) for d in (0, 2, 8)]
    with ablation.one_thread():
        found = [ablation._contours(image, variant, 0, tmp_path) for variant in kinds]
    assert all(np.isfinite(f).all() and f.shape == (24, 32) and f.max() > 0 for f in found)
    assert all((found[0] != other).any() for other in found[1:])


def test_the_ablation_table_shows_what_is_there(monkeypatch, tmp_path, random):
    pytest.importorskip("torch")
    from contourbench.bench.studies import ablation

    variants = tiny(ablation, monkeypatch)
    monkeypatch.setattr(ablation, "SEEDS", (0, 1))
    truth = random.rand(1, 24, 32) > 0.9
    for seed in (0, 1):
        for image_id in "ab":
            maps = {v.name: random.rand(24, 32) for v in variants if seed == 0 or v.part != "resolution"}
            counts = {n: ablation.packed(count_map(m, truth, BoundaryProtocol(thresholds=9))) for n, m in maps.items()}
            write_npz(tmp_path / f"counts-{seed}-{image_id}.npz", counts)
    text, csv = ablation.tables(tmp_path, ["a", "b"])
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + len(variants)
    assert "±" in rows[2] and rows[2].endswith("– |")
    assert "±" not in next(row for row in rows if "1/4" in row)
    assert csv.count("\n") == 1 + len(variants)
    kept = ablation.unpacked(read_npz(tmp_path / "counts-0-a.npz")[variants[0].name])
    assert kept.sum_r[0] == truth.sum()
