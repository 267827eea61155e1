import hashlib

import numpy as np
import pytest
from contourbench.baselines import canny, roberts
from contourbench.bench.datasets.opening import open_dataset
from contourbench.bench.datasets.scenes import ANNOTATORS, SHAPE, render_scene
from contourbench.bench.errors import UserError
from contourbench.eval import BoundaryProtocol, count_map, summarize, thin


def test_same_number_same_scene():
    first = render_scene(17)
    render_scene.cache_clear()
    again = render_scene(17)
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.ground_truth, again.ground_truth)
    assert not np.array_equal(render_scene(18).image, first.image)


def test_scenes_do_not_change_with_the_library():
    """Mean grey level and contour pixels per annotator of two scenes; a filter's last bit may move a pixel or two."""
    for number, grey, pixels in ((1, 156.9, [1536, 1355, 1007, 993, 483]), (2, 103.9, [1728, 1649, 1479, 997, 807])):
        scene = render_scene(number)
        assert scene.image.mean() == pytest.approx(grey, abs=0.1)
        np.testing.assert_allclose(scene.ground_truth.sum(axis=(1, 2)), pixels, atol=3)


def test_shapes_and_types():
    scene = render_scene(4)
    assert (scene.image.shape, scene.image.dtype) == ((*SHAPE, 3), np.uint8)
    assert (scene.ground_truth.shape, scene.ground_truth.dtype) == ((len(ANNOTATORS), *SHAPE), bool)
    for layer in scene.ground_truth:
        np.testing.assert_array_equal(thin(layer), layer)


def test_annotators_see_less_and_less_detail():
    totals = sum(render_scene(n).ground_truth.sum(axis=(1, 2)) for n in range(1, 11))
    assert (np.diff(totals) < 0).all()


def test_scores_behave_as_on_real_data():
    """Annotators agree with each other better than detectors do, not perfectly; Canny beats Roberts."""
    dataset = open_dataset("scenes", "val").limit(6)
    humans, detectors = [], {roberts: [], canny: []}
    for image_id in dataset.ids:
        truth = dataset.ground_truth(image_id)
        for k, layer in enumerate(truth):
            humans.append(count_map(layer.astype(float), np.delete(truth, k, 0), BoundaryProtocol(thresholds=1)))
        for detector, counts in detectors.items():
            counts.append(count_map(detector(dataset.image(image_id)), truth))
    f = {detector: summarize(counts).ods.f for detector, counts in detectors.items()}
    assert 0.4 < f[roberts] < f[canny] < summarize(humans).ods.f < 0.95


def test_splits_differ():
    images = {hashlib.sha256(open_dataset("scenes", s).image("scene001")).hexdigest() for s in ("train", "val", "test")}
    assert len(images) == 3
    with pytest.raises(UserError, match="`split='dev'`"):
        open_dataset("scenes", "dev")
