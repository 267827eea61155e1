import numpy as np
import pytest
from contourbench.baselines.felzenszwalb import SETTINGS, felzenszwalb, felzenszwalb_soft
from contourbench.eval import mean_boundaries
from toy import toy_image


def test_settings_are_those_of_the_published_sweep():
    assert len(set(SETTINGS)) == 25
    assert (SETTINGS[0], SETTINGS[8], SETTINGS[-1]) == ("0.3_200_50", "0.7_800_50", "4_4000_300")


def test_the_box_is_found():
    image = toy_image(shape=(48, 64))
    sweep = felzenszwalb(image)
    assert sweep.settings == SETTINGS
    assert all(labels.shape == (48, 64) and labels.dtype == np.int32 for labels in sweep.segmentations)
    inside, outside = sweep.segmentations[0][12, 16], sweep.segmentations[0][40, 50]
    assert inside != outside
    np.testing.assert_array_equal(felzenszwalb_soft(image), mean_boundaries(sweep))


def test_regions_are_at_least_as_large_as_asked(random):
    noise = random.randint(0, 256, (40, 50, 3)).astype(np.uint8)
    for setting, labels in zip(SETTINGS, felzenszwalb(noise).segmentations, strict=True):
        sizes = np.bincount(labels.ravel())
        assert len(sizes) == 1 or sizes.min() >= int(setting.split("_")[2])


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (2, 2), (2, 3000)])
def test_any_size(shape, random):
    image = random.randint(0, 256, (*shape, 3)).astype(np.uint8)
    before = image.copy()
    for labels in felzenszwalb(image).segmentations:
        assert labels.shape == shape
    np.testing.assert_array_equal(image, before)
    assert all(labels.max() == 0 for labels in felzenszwalb(np.full_like(image, 9)).segmentations)


def test_refuses_what_is_not_an_rgb_image():
    with pytest.raises(ValueError, match="expected \\(H, W, 3\\) RGB uint8"):
        felzenszwalb(np.zeros((5, 5)))
