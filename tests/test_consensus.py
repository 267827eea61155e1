"""The detector `consensus`: its cues, its switches, images at the edge of what there is."""

import numpy as np
import pytest

pytest.importorskip("torch")

from contourbench.cnf_contours.config import CONSENSUS
from contourbench.cnf_contours.contours import consensus as module
from contourbench.cnf_contours.contours.consensus import consensus
from contourbench.eval.hierarchy import Hierarchy

QUICK = {"heads": 8, "vectors": 12, "kernels": 300}


def two_halves(height=48, width=60):
    image = np.full((height, width, 3), (40, 90, 60), np.uint8)
    image[:, width // 2 :] = (180, 60, 50)
    return image


def stripes(height=60, width=80):
    y, x = np.mgrid[:height, :width]
    grey = np.where(x < width // 2, 128 + 50 * np.sin(x / 1.5), 128 + 50 * np.sin(y / 1.5))
    return np.repeat(grey.astype(np.uint8)[..., np.newaxis], 3, axis=2)


def columns_of_strongest(contours):
    return np.argmax(contours.mean(axis=0))


# The variance of colours, which the spectrum sees, makes a band of its own of the border between two constant halves.
@pytest.mark.parametrize(("cue", "off"), [("partitions", 1), ("spectrum", 3.5)])
def test_a_cue_alone_finds_the_border_of_two_colours(cue, off):
    weights = dict.fromkeys(("partitions", "texture", "spectrum"), 0.0) | {cue: 1.0}
    contours = consensus(two_halves(), regions=False, **weights, **QUICK)
    assert abs(columns_of_strongest(contours) - 29.5) <= off
    assert contours.max() > 0.1


def test_texture_finds_what_no_colour_shows():
    found = module.texture_contour(stripes(), CONSENSUS).max(axis=0).mean(axis=0)  # by half columns
    assert abs(np.argmax(found) - 19.5) <= 2.5
    assert found.max() > 1.2 * max(found[:10].max(), found[30:].max())


def test_regions_are_a_hierarchy_with_closed_contours():
    found = consensus(two_halves(), **QUICK)
    assert isinstance(found, Hierarchy)
    strongest = found.contour_map() >= 0.9 * found.contour_map().max()
    assert strongest.any(axis=1).all()  # it crosses every row


def test_same_seed_same_map_and_the_input_stays():
    image = two_halves()
    before = image.copy()
    first, again = (consensus(image, seed=2, **QUICK).contour_map() for _ in range(2))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(image, before)


def test_a_cue_of_weight_zero_is_not_computed(monkeypatch):
    for name in ("texture_contour", "_spectrum"):
        monkeypatch.setattr(module, name, lambda *_: pytest.fail("computed"))
    consensus(two_halves(), texture=0.0, spectrum=0.0, **QUICK)


def test_axes_are_found_only_where_a_cue_uses_them(monkeypatch):
    monkeypatch.setattr(module, "steady_axes", lambda *_: pytest.fail("computed"))
    consensus(two_halves(), source="reconstruction", iterations=2, **QUICK)
    with pytest.raises(pytest.fail.Exception, match="computed"):
        consensus(two_halves(), source="features", iterations=2, **QUICK)


def usual_distance(**values):
    """Median over three seeds of how far the strongest column is from the border: one fit so short may miss it."""
    image = two_halves(96, 120)
    maps = [consensus(image, seed=seed, regions=False, **values, **QUICK) for seed in range(3)]
    return np.median([abs(columns_of_strongest(contours) - 59.5) for contours in maps])


@pytest.mark.parametrize("source", ["reconstruction", "features"])
def test_what_is_seen_can_be_a_field(source):
    seen = []
    assert usual_distance(source=source, iterations=30, progress=lambda *call: seen.append(call)) <= 2
    assert len(seen) == 3 * 30


def test_the_field_is_a_cue_beside_the_others():
    """It is fitted once, and only where it is asked for; alone, it finds the border too."""
    seen = []
    values = {"iterations": 30, "progress": lambda *call: seen.append(call), "regions": False, **QUICK}
    without = consensus(two_halves(), **values)
    assert not seen
    beside = consensus(two_halves(), field=0.18, **values)
    assert len(seen) == 30
    assert (beside != without).any()
    assert usual_distance(partitions=0.0, texture=0.0, spectrum=0.0, field=1.0, iterations=30) <= 2


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (1, 30), (30, 1), (400, 9)])
@pytest.mark.parametrize("kind", ["constant", "noise"])
def test_any_size_gives_a_finite_map(shape, kind):
    image = np.full((*shape, 3), 77, np.uint8)
    if kind == "noise":
        image = np.random.RandomState(0).randint(0, 256, (*shape, 3)).astype(np.uint8)
    with_field = consensus(image, regions=False, field=0.2, iterations=5, **QUICK)
    for contours in (consensus(image, **QUICK).contour_map(), consensus(image, regions=False, **QUICK), with_field):
        assert contours.shape == shape
        assert np.isfinite(contours).all()
        assert contours.min() >= 0
        assert contours.max() <= (0.02 if kind == "constant" else 1)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"partitions": 0, "texture": 0, "spectrum": 0}, "weights"),
        ({"texture": -1.0}, "weights"),
        ({"source": "guess"}, "source"),
        ({"heads": 0}, "heads"),
        ({"layers": 0}, "layers: 0, expected 3 or 4: consensus fits one field"),
        ({"layers": 5}, "layers: 5"),
        ({"iterations": True}, "iterations: True"),
        ({"vectors": 0}, "vectors"),
    ],
)
def test_values_out_of_range_are_named(values, message):
    with pytest.raises(ValueError, match=message):
        consensus(two_halves(), **values)


def test_an_image_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="image: shape"):
        consensus(np.zeros((8, 8), np.uint8))
