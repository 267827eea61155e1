"""Differentiable feature clustering."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'contourbench[cnf]'")

from contourbench.cnf_contours.clustering.dfc import dfc
from toy import toy_image


def test_the_box_is_found_and_the_seed_decides():
    image = toy_image(shape=(40, 48))
    before = image.copy()
    found = dfc(image, iterations=30, channels=16, resolution=1.0)
    assert found.settings == ("dfc",)
    (labels,) = found.segmentations
    assert labels.dtype == np.int32 and labels.shape == (40, 48)
    assert set(np.unique(labels)) == set(range(labels.max() + 1))
    assert labels[12, 16] != labels[36, 44]
    np.testing.assert_array_equal(image, before)
    again = dfc(image, iterations=30, channels=16, resolution=1.0).segmentations[0]
    np.testing.assert_array_equal(again, labels)


def test_global_randomness_is_left_alone():
    torch.manual_seed(5)
    first = torch.rand(3)
    torch.manual_seed(5)
    dfc(toy_image(), iterations=2, channels=4)
    assert torch.equal(torch.rand(3), first)


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (7, 5)])
def test_any_size(shape):
    labels = dfc(np.full((*shape, 3), 90, np.uint8), iterations=3, channels=4).segmentations[0]
    assert labels.shape == shape


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"iterations": 0}, "iterations: 0"),
        ({"resolution": 2.0}, "resolution: 2.0"),
        ({"continuity": -1.0}, "continuity: -1.0"),
        ({"device": "tpu"}, "device: 'tpu'"),
    ],
)
def test_wrong_parameters_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        dfc(toy_image(), **wrong)
