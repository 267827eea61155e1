"""Regions by the CNF, its filmstrip, and its figures by command."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install 'contourbench[cnf]'")

from command import contourbench, fails
from contourbench.cnf_contours.config import CNF
from contourbench.cnf_contours.contours.detectors import cnf, cnf_segmentation, cnf_ucm, detect, hierarchy
from contourbench.cnf_contours.contours.filmstrip import film
from scipy.ndimage import label
from toy import toy_image


def test_the_hierarchy_parts_the_box_from_its_ground():
    image = toy_image(shape=(48, 64))
    hierarchy = cnf_ucm(image, iterations=20)
    assert hierarchy.shape == (48, 64)
    assert hierarchy.ucm2.max() <= 1
    labels = next(hierarchy.label_maps([hierarchy.ucm2.max() / 2]))
    assert labels[12, 16] != labels[40, 50]
    np.testing.assert_array_equal(cnf_ucm(image, iterations=20).ucm2, hierarchy.ucm2)


def test_regions_of_the_final_head_are_connected():
    (labels,) = cnf_segmentation(toy_image(shape=(40, 48)), iterations=15).segmentations
    assert labels.dtype == np.int32
    for value in range(labels.max() + 1):
        assert label(labels == value)[1] == 1


def test_a_film_ends_where_the_detector_ends():
    image, config = toy_image(shape=(40, 48)), CNF.changed(layers=3, iterations=12)
    frames = film(image, (3, 12), config, shown_heads=2)
    assert [frame.iterations for frame in frames] == [3, 12]
    assert frames[1].reconstruction.shape == (20, 24, 3)
    assert frames[1].classes.shape == (2, 20, 24)
    np.testing.assert_array_equal(frames[1].contours, detect(image, config))
    np.testing.assert_array_equal(frames[1].contours, cnf(image, layers=3, iterations=12))
    with pytest.raises(ValueError, match="a film is of one field"):
        film(image, (3,), CNF)


def test_a_hierarchy_needs_orientations():
    with pytest.raises(ValueError, match="readout: 'neighbour', expected 'disc'"):
        hierarchy(toy_image(), CNF.changed(readout="neighbour"))


def test_film_by_command(capsys, tmp_path):
    code, _, err = contourbench(
        capsys, "film", "scene002", "--data", "scenes", "--iterations", 2, 4, "--out", tmp_path / "f.pdf"
    )
    assert code == 0, err
    assert (tmp_path / "f.pdf").read_bytes().startswith(b"%PDF")
    assert "not an image of scenes test" in fails(capsys, "film", "scene999", "--data", "scenes")
    assert "film: layers: 7" in fails(capsys, "film", "scene002", "--data", "scenes", "--layers", 7)


@pytest.mark.parametrize("shape", [(1, 1), (2, 120)])
def test_any_size(shape):
    image = np.full((*shape, 3), 80, np.uint8)
    assert cnf_ucm(image, iterations=2, layers=3).shape == shape
    assert cnf_segmentation(image, iterations=2).segmentations[0].shape == shape
