"""The study of how fast fields are fitted: operations by hand and as torch counts them, its record, its command."""

import json
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'contourbench[cnf]'")

from contourbench.bench.studies.field_speed import field_flops, main, measure
from contourbench.cnf_contours.config import CNF
from contourbench.cnf_contours.fitting import fit_fields
from torch.utils.flop_counter import FlopCounterMode
from toy import toy_image, write_folder

SMALL = CNF.changed(layers=3, filters=8, octaves=0, iterations=2, bfloat16=False, heads=5, head_iterations=10)


def test_flops_by_hand():
    """8 x 8 cells, 2 channels of coordinates, 2 filters; 3 layers down to 2 x 2 and up again, then 3 colours."""
    one_cell = 2 * 9 * 2 * 2
    first, down, up, colours = 64 * one_cell, (16 + 4) * one_cell, (16 + 64) * one_cell, 64 * 2 * 2 * 3
    forward = first + down + up + colours
    config = CNF.changed(layers=3, filters=2, octaves=0, iterations=10)
    assert field_flops(config, 8, 7) == 10 * (3 * forward - first) + forward
    assert field_flops(config.changed(source="pixels"), 8, 7) == 0


@pytest.mark.parametrize("layers", [3, 4])
def test_flops_as_torch_counts_them(layers):
    config = CNF.changed(layers=layers, filters=6, octaves=2, iterations=2, bfloat16=False)
    with FlopCounterMode(display=False) as counter:
        fit_fields(torch.rand(1, 3, 21, 18), config.field, [torch.Generator().manual_seed(0)])
    assert field_flops(config, 21, 18) == counter.get_total_flops()
    both = replace(config, field=replace(config.field, layers=0))
    assert field_flops(both, 21, 18) == sum(field_flops(config.changed(layers=n), 21, 18) for n in (3, 4))


def test_measure_fills_its_record():
    found = measure([toy_image(0), toy_image(1)], SMALL, "cpu", 2, peak=1e9, alone=1)
    assert found.gain == pytest.approx(found.images_per_second / found.images_per_second_alone)
    assert found.flops_per_image == field_flops(SMALL, 12, 16)
    assert found.fraction_of_peak == pytest.approx(found.flops_per_image * found.images_per_second / 1e9)
    assert found.peak_bytes is None
    assert measure([toy_image()], SMALL.changed(iterations=1), "cpu", alone=1).fraction_of_peak is None


def test_nothing_to_measure_is_said():
    with pytest.raises(ValueError, match="images: 0"):
        measure([], SMALL, "cpu")


def test_by_command(tmp_path, capsys):
    data = write_folder(tmp_path / "data")
    settings = "--split all --device cpu --iterations 2 --heads 4 --head-iterations 2 --images 2 --peak 1e12"
    main(["--data", str(data), "--out", str(tmp_path), *settings.split()])
    kept = json.loads((tmp_path / "field_speed.json").read_text())
    assert kept["images"] == 2
    assert kept["flops_per_image"] == field_flops(CNF.changed(iterations=2), 12, 16)
    assert (tmp_path / "field_speed.md").read_text() == capsys.readouterr().out
