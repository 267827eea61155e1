"""The match picture shows what the benchmark counts."""

import numpy as np
import pytest
from contourbench.bench.report.matches import FALSE_ALARM, HIT, MISS, draw_matches, match_kinds, match_pixels
from contourbench.eval.contour_map import ContourMap
from contourbench.eval.counting import count_map, count_segmentations
from contourbench.eval.hierarchy import Hierarchy
from contourbench.eval.protocol import BoundaryProtocol
from contourbench.eval.sweeps import Sweep
from toy import toy_truth

PROTOCOL = BoundaryProtocol(thresholds=9, max_dist=0.05)


@pytest.fixture
def truth():
    return np.stack([toy_truth(0), toy_truth(1), np.roll(toy_truth(2), 2, axis=0)])


@pytest.fixture
def soft(truth, random):
    """Smeared contours and noise: thick lines to thin, hits, false alarms and misses at every threshold."""
    thick = truth[0] | np.roll(truth[0], 1, axis=0) | np.roll(truth[1], 1, axis=1)
    return np.clip(0.5 * thick + random.uniform(0, 0.6, thick.shape), 0, 1)


def equal_at(matches, counts, k):
    return matches.counts == counts.at(k)


@pytest.mark.parametrize("thinned", [True, False])
def test_counts_are_those_of_count_map(soft, truth, thinned):
    protocol = BoundaryProtocol(9, 0.05, thinned)
    counts = count_map(soft, truth, protocol)
    assert len(set(counts.cnt_p)) > 5
    for k, level in enumerate(protocol.levels()):
        matches = match_pixels(soft, truth, level, protocol)
        assert equal_at(matches, counts, k)
        assert matches.hits.sum() == counts.cnt_p[k]
        assert matches.hits.sum() + matches.false_alarms.sum() == counts.sum_p[k]
        assert not np.any(matches.hits & matches.false_alarms)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_values_on_a_threshold_are_counted_alike(soft, truth, kind):
    soft = np.round(soft, 1).astype(kind)
    counts = count_map(soft, truth, PROTOCOL)
    for k, level in enumerate(PROTOCOL.levels()):
        assert equal_at(match_pixels(soft, truth, level, PROTOCOL), counts, k)


def test_misses_of_one_annotator_are_counted_pixel_by_pixel(soft, truth):
    counts = count_map(soft, truth[:1], PROTOCOL)
    for k, level in enumerate(PROTOCOL.levels()):
        misses = match_pixels(soft, truth[:1], level, PROTOCOL).misses
        assert misses.sum() == counts.sum_r[k] - counts.cnt_r[k]


def test_a_sweep_is_counted_by_its_settings(truth):
    sweep = Sweep((truth[0].cumsum(1) % 3, truth[1].cumsum(0) % 3), ("coarse", "fine"))
    counts = count_segmentations(sweep.segmentations, truth, PROTOCOL)
    for k in (0, 1):
        assert equal_at(match_pixels(sweep, truth, k + 1, PROTOCOL), counts, k)
    with pytest.raises(ValueError, match="threshold: 3, expected a setting from 1 to 2"):
        match_pixels(sweep, truth, 3, PROTOCOL)


def test_a_hierarchy_is_its_contour_map(soft, truth):
    double = np.zeros((49, 65))
    double[2::2, 2::2] = soft
    assert np.array_equal(Hierarchy(double).contour_map(), soft)
    assert equal_at(match_pixels(Hierarchy(double), truth, 0.5, PROTOCOL), count_map(soft, truth, PROTOCOL), 4)


def test_kinds_on_a_map_small_enough_to_read():
    truth = np.zeros((1, 5, 20), bool)
    truth[0, 2, 2:9] = True
    soft = np.zeros((5, 20))
    soft[2, 5:16] = 0.8
    matches = match_pixels(soft, truth, 0.5, BoundaryProtocol(max_dist=1e-9))
    expected = """
        00000000000000000000
        00000000000000000000
        00333111122222220000
        00000000000000000000
        00000000000000000000
    """
    assert ["".join(map(str, row)) for row in match_kinds(matches)] == expected.split()
    image = np.full((5, 20, 3), 100, np.uint8)
    picture = draw_matches(image, matches)
    assert tuple(picture[2, 5]) == HIT
    assert tuple(picture[2, 10]) == FALSE_ALARM
    assert tuple(picture[2, 2]) == MISS
    assert tuple(picture[0, 0]) == (201, 201, 201)  # 255 * 0.65 + 100 * 0.35
    assert np.all(image == 100)


def test_nothing_predicted_is_all_missed(truth):
    matches = match_pixels(np.zeros(truth.shape[1:]), truth, 0.5, PROTOCOL)
    assert not matches.hits.any()
    assert not matches.false_alarms.any()
    assert np.array_equal(matches.misses, truth.any(axis=0))


def test_input_is_checked_and_left_alone(soft, truth):
    before = soft.copy(), truth.copy()
    matches = match_pixels(soft, truth, 0.5, PROTOCOL)
    assert np.array_equal(soft, before[0])
    assert np.array_equal(truth, before[1])
    with pytest.raises(ValueError, match="24x32"):
        draw_matches(np.zeros((9, 9, 3), np.uint8), matches)
    with pytest.raises(ValueError, match="ground_truth"):
        match_pixels(soft, truth[:, :9], 0.5, PROTOCOL)


def test_suppression_comes_before_counting(soft):
    thinner = ContourMap(soft.astype(np.float32)).suppressed("hed").values
    assert np.count_nonzero(thinner) < np.count_nonzero(soft)
