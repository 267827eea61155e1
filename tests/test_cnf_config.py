"""Constants of the neural field: checked types, defaults that stand once, names one can guess."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from contourbench.cnf_contours.config import (
    CHOICES,
    CNF,
    CNF_FAST,
    CNF_SEGMENTATION,
    CNF_THESIS,
    CNF_UCM,
    CONSENSUS,
    LIMITS,
    CnfConfig,
    FieldConfig,
    HeadsConfig,
    ReadoutConfig,
)

PARTS = (FieldConfig, HeadsConfig, ReadoutConfig)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: FieldConfig(filters=True), "filters: True, expected an integer"),
        (lambda: FieldConfig(filters=np.True_), "filters: .*True.*, expected an integer"),
        (lambda: FieldConfig(filters=8.0), "filters: 8.0, expected an integer"),
        (lambda: FieldConfig(filters="8"), "filters: '8', expected an integer"),
        (lambda: FieldConfig(layers=5), "layers: 5, expected one of 0, 3, 4"),
        (lambda: FieldConfig(layers=False), "layers: False, expected an integer"),
        (lambda: FieldConfig(rate=True), "rate: True, expected a number"),
        (lambda: FieldConfig(rate=float("nan")), "rate: nan, expected 0.0 to 1000.0"),
        (lambda: FieldConfig(bfloat16=1), "bfloat16: 1, expected True or False"),
        (lambda: HeadsConfig(source="pixel"), "source: 'pixel', expected one of .*; did you mean 'pixels'?"),
        (lambda: HeadsConfig(source=3), "source: 3, expected one of 'features'"),
        (lambda: HeadsConfig(sharpness=float("nan")), "sharpness: nan"),
        (lambda: ReadoutConfig(readout="disk"), "did you mean 'disc'?"),
        (lambda: ReadoutConfig(radii=[4, 6]), r"radii: \[4, 6\], expected a tuple of integers"),
        (lambda: ReadoutConfig(radii=(4, 6.5)), "radii: 6.5, expected an integer"),
        (lambda: ReadoutConfig(radii=()), "radii"),
        (lambda: CnfConfig(resolution=0), "resolution: 0.0, expected 0.05 to 1.0"),
        (lambda: CnfConfig(field=HeadsConfig()), "field: HeadsConfig.*, expected FieldConfig"),
        (lambda: CNF.changed(filter=8), "filter: no such parameter; did you mean 'filters'?"),
        (lambda: CNF.changed(seed=True), "seed: True, expected an integer"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_numbers_of_numpy_become_plain_and_integers_are_floats():
    config = CNF.changed(filters=np.int64(8), clip=1, sharpness=np.float32(2), radii=(np.int32(3), 4))
    assert [type(value) for value in (config.field.filters, config.field.clip, config.heads.sharpness)] == [
        int,
        float,
        float,
    ]
    assert config == CNF.changed(filters=8, clip=1.0, sharpness=2.0, radii=(3, 4))
    assert {type(radius) for radius in config.readout.radii} == {int}


def test_every_value_has_its_limits_and_a_name_of_its_own():
    names = [name for part in PARTS for name in part.__dataclass_fields__] + ["resolution", "seed"]
    assert len(names) == len(set(names))
    for part in (*PARTS, CnfConfig):
        for name, own in part.__dataclass_fields__.items():
            assert (own.type in (int, float)) == (name in LIMITS and own.type not in PARTS) or name in CHOICES, name
    assert {*CHOICES, *LIMITS} <= set(names)


def test_changed_keeps_the_rest():
    config = CNF.changed(layers=3, source="pixels", readout="neighbour", seed=7)
    assert (config.field.layers, config.heads.source, config.readout.readout, config.seed) == (
        3,
        "pixels",
        "neighbour",
        7,
    )
    assert config.changed(layers=0, source="reconstruction", readout="disc", seed=0) == CNF == CnfConfig()


@pytest.mark.parametrize(
    ("name", "preset"),
    [
        ("cnf", CNF),
        ("cnf_fast", CNF_FAST),
        ("cnf_thesis", CNF_THESIS),
        ("cnf_ucm", CNF_UCM),
        ("cnf_segmentation", CNF_SEGMENTATION),
        ("consensus", CONSENSUS),
    ],
)
def test_defaults_of_a_detector_are_those_of_its_preset(name, preset):
    pytest.importorskip("torch")
    import contourbench.cnf_contours as room

    known = {part: getattr(preset, part).__dict__ for part in ("field", "heads", "readout")}
    flat = {**known["field"], **known["heads"], **known["readout"], "resolution": preset.resolution, "seed": 0}
    own = {"device", "progress", "partitions", "texture", "spectrum", "field", "regions", "vectors", "kernels"}
    parameters = list(inspect.signature(getattr(room, name)).parameters.values())[1:]
    assert len(parameters) >= 4
    for parameter in parameters:
        if parameter.name not in own:
            assert parameter.default == flat[parameter.name], parameter.name
            assert type(parameter.default) in (int, float, str, bool)


def test_defaults_that_users_know():
    """Written out once more, as a change of one is a change of everybody's maps."""
    assert (CNF.field.layers, CNF.field.iterations, CNF.field.filters, CNF.field.octaves) == (0, 400, 32, 7)
    assert (CNF.heads.source, CNF.heads.heads, CNF.heads.classes, CNF.heads.retention) == ("reconstruction", 64, 4, 0.2)
    assert (CNF_FAST.field.layers, CNF_FAST.field.iterations) == (4, 200)
    assert (CNF_THESIS.heads.source, CNF_THESIS.readout.readout, CNF_THESIS.field.octaves) == (
        "features",
        "neighbour",
        0,
    )
    assert (CNF_THESIS.field.filters, CNF_THESIS.heads.heads) == (64, 32)
    assert (CNF_SEGMENTATION.field.layers, CNF_SEGMENTATION.heads.output) == (4, "final")
    assert (CONSENSUS.field.layers, CONSENSUS.heads.source, CONSENSUS.heads.heads) == (4, "pixels", 32)
    assert FieldConfig().layers == 4  # one field; both are the pipeline's


@pytest.mark.parametrize("name", ["config", "devices", "field", "fitting", "images", "losses"])
def test_what_all_rooms_share_knows_none_of_them(name):
    path = Path(__file__).resolve().parents[1] / "cnf_contours" / f"{name}.py"
    found = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)]
    siblings = [node.module.partition(".")[0] for node in found if node.level]
    assert not {"contours", "clustering"} & {*siblings}


def test_the_room_gives_functions_and_loads_torch_late():
    code = """
import sys, contourbench.cnf_contours as room
assert dir(room) == sorted(room.__all__), dir(room)
assert "torch" not in sys.modules
import contourbench.cnf_contours.config
assert "torch" not in sys.modules
try:
    room.cnff
except AttributeError as error:
    assert "cnff" in str(error)
import contourbench.cnf_contours.contours.consensus, contourbench.cnf_contours.clustering.dfc
from contourbench.cnf_contours import *
for name in room.__all__:
    assert type(globals()[name]).__name__ == "function" and globals()[name].__name__ == name, name
"""
    pytest.importorskip("torch")
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
