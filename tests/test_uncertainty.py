import numpy as np
import pytest
from command import contourbench, fails
from contourbench.eval import BoundaryCounts, summarize
from contourbench.eval.uncertainty import SCORES, _draws, _Table, bootstrap, compare

K = 5
FIELDS = ("cnt_r", "sum_r", "cnt_p", "sum_p")


def random_counts(random, n=12, bonus=0):
    """Counts of n images; ``bonus`` more pixels are matched everywhere."""
    images = {}
    for i in range(n):
        sum_r, sum_p = random.randint(80, 120), np.sort(random.randint(40, 150, K))[::-1]
        hit = (sum_p * random.uniform(0.45, 0.8, K)).astype(int) + bonus
        cnt_p = np.minimum(hit, sum_p)
        images[f"i{i}"] = BoundaryCounts(np.minimum(hit, sum_r), np.full(K, sum_r), cnt_p, sum_p, np.arange(K) / K)
    return images


def test_a_draw_is_the_data_set_with_images_repeated(random):
    counts = random_counts(random)
    table = _Table.of(counts)
    for weights in _draws(len(counts), 20, seed=3):
        repeated = [image for image, n in zip(counts.values(), weights, strict=True) for _ in range(int(n))]
        np.testing.assert_equal(table.summary(weights), summarize(repeated))


def test_intervals_hold_the_value_and_shrink_with_more_images(random):
    few, many = (bootstrap(random_counts(random, n), samples=300) for n in (8, 200))
    for name in SCORES:
        for found in (few, many):
            assert found[name].low <= found[name].value <= found[name].high
    assert many["ods"].high - many["ods"].low < (few["ods"].high - few["ods"].low) / 2


def test_a_detector_does_not_differ_from_itself(random):
    counts = random_counts(random)
    for difference in compare(counts, counts, samples=50).values():
        assert difference == (0, 0, 0, 1)


def test_a_clear_difference_is_found_and_chance_is_not():
    plain, better = (random_counts(np.random.RandomState(1), 40, bonus) for bonus in (0, 8))
    random = np.random.RandomState(2)
    other = {i: BoundaryCounts(*(getattr(c, f) for f in FIELDS), c.thresholds) for i, c in plain.items()}
    for c in other.values():  # a pixel more or less, by chance
        c.cnt_p[:] = np.clip(c.cnt_p + random.randint(-1, 2), 0, c.sum_p)
    clear = compare(better, plain, samples=200)["ods"]
    assert clear.low > 0
    assert clear.p == 2 / 201
    chance = compare(plain, other, samples=200)["ods"]
    assert chance.low < 0 < chance.high
    assert chance.p > 0.05


def test_the_order_of_the_two_and_of_the_images_does_not_matter(random):
    a, b = random_counts(np.random.RandomState(4)), random_counts(np.random.RandomState(4), bonus=1)
    there, back = compare(a, b, samples=100), compare(b, a, samples=100)
    for name in SCORES:
        assert there[name].value == -back[name].value
        assert there[name].p == back[name].p
        assert there[name].low == pytest.approx(-back[name].high)
    backwards = dict(reversed(a.items()))
    assert compare(backwards, b, samples=100) == there
    assert bootstrap(backwards, samples=50) == bootstrap(a, samples=50)
    assert compare(a, b, samples=100, seed=1) != there


def test_the_scale_of_the_maps_does_not_matter(random):
    """The same binary maps at other thresholds, or each of them twice: the same scores, and the same p."""
    a, b = random_counts(np.random.RandomState(4)), random_counts(np.random.RandomState(4), bonus=1)
    there = compare(a, b, samples=100)
    squared = {i: BoundaryCounts(*(getattr(c, f) for f in FIELDS), c.thresholds**2) for i, c in a.items()}
    assert compare(squared, b, samples=100) == there
    doubled = {i: c.at(np.repeat(np.arange(K), 2)) for i, c in b.items()}
    for name, difference in compare(a, doubled, samples=100).items():
        assert difference == pytest.approx(there[name])


@pytest.mark.parametrize("power", [0.7, 1.5])
def test_rescaled_maps_have_the_same_p(power):
    """Really, through counting: values to a power, the thresholds as they are."""
    from contourbench.eval import BoundaryProtocol, count_map

    random = np.random.RandomState(0)
    maps, truths = {}, {}
    for i in range(24):
        truths[f"{i}"] = truth = random.rand(1, 16, 16) > 0.85
        maps[f"{i}"] = np.clip(0.45 * truth[0] + 0.5 * random.rand(16, 16), 0, 1)
    protocol = BoundaryProtocol(thresholds=49, max_dist=0.01, thin=False)
    plain = {i: count_map(m, truths[i], protocol) for i, m in maps.items()}
    noisy = {i: count_map(np.clip(m + 0.04 * random.randn(16, 16), 0, 1), truths[i], protocol) for i, m in maps.items()}
    powered = {i: count_map(m**power, truths[i], protocol) for i, m in maps.items()}
    as_is, rescaled = (compare(one, noisy, samples=200) for one in (plain, powered))
    for name in ("ods", "ap"):
        assert rescaled[name].value == pytest.approx(as_is[name].value, abs=0.01)
        assert abs(rescaled[name].p - as_is[name].p) < 0.1, name


def test_p_is_right_where_nothing_differs():
    """Of two detectors that differ by chance alone, p is below 5 % about as often as that."""
    random, found = np.random.RandomState(7), []
    for _ in range(120):
        a, b = random_counts(random, 30), {}
        for i, c in a.items():  # the truth is the same for both
            hit = (c.sum_p * random.uniform(0.45, 0.8, K)).astype(int)
            b[i] = BoundaryCounts(np.minimum(hit, c.sum_r), c.sum_r, np.minimum(hit, c.sum_p), c.sum_p, c.thresholds)
        found.append([difference.p for difference in compare(a, b, samples=99).values()])
    ods, ois, ap, _ = np.mean(np.array(found) < 0.05, axis=0)
    assert max(ods, ois, ap) < 0.15
    assert 0.3 < np.median(found) < 0.7


def test_sweeps_and_maps_have_a_p(random):
    a, b = random_counts(np.random.RandomState(4)), random_counts(np.random.RandomState(4))
    coarse = {i: counts.at([0, 2]) for i, counts in b.items()}
    found = compare(a, coarse, samples=20)["ods"]
    assert found.low <= found.high
    assert 0 < found.p <= 1


def test_one_image_tells_nothing(random):
    a, b = random_counts(np.random.RandomState(4), 1), random_counts(np.random.RandomState(4), 1, bonus=9)
    assert np.isnan(compare(a, b, samples=20)["ods"].p)


def test_what_cannot_be_compared(random):
    counts = random_counts(random, 3)
    with pytest.raises(ValueError, match="different images"):
        compare(counts, {"i0": counts["i0"]})
    other = {i: BoundaryCounts(c.cnt_r, c.sum_r + 1, c.cnt_p, c.sum_p, c.thresholds) for i, c in counts.items()}
    with pytest.raises(ValueError, match="true pixels; other truth"):
        compare(counts, other)
    with pytest.raises(ValueError, match="samples: 0"):
        bootstrap(counts, samples=0)


def test_an_undefined_r50_stays_so(random):
    good = random_counts(random)
    poor = {i: BoundaryCounts(c.cnt_r, c.sum_r, c.sum_p // 9, c.sum_p, c.thresholds) for i, c in good.items()}
    assert np.isnan(bootstrap(poor, samples=20)["r50"]).all()
    found = compare(good, poor, samples=20)
    assert np.isnan(found["r50"]).all()
    assert not np.isnan(found["ap"]).any()


def test_runs_of_another_protocol_are_not_compared(capsys, tmp_path):
    for name, options in (("a", ()), ("b", ("--no-thin",))):
        run = ("run", "sobel", "--limit", 2, "--thresholds", 9, "--out", tmp_path / name, *options)
        assert contourbench(capsys, *run)[0] == 0
    assert "another thin than" in fails(capsys, "compare", tmp_path / "a" / "sobel", tmp_path / "b" / "sobel")


def test_command(capsys, tmp_path):
    run = ("run", "sobel", "sobel(sigma=2)", "--limit", 4, "--thresholds", 9, "--out", tmp_path / "o")
    assert contourbench(capsys, *run)[0] == 0
    a, b = tmp_path / "o" / "sobel(sigma=2)", tmp_path / "o" / "sobel"
    code, out, _ = contourbench(capsys, "compare", a, b, "--samples", 50, "--out", tmp_path / "scatter.pdf")
    assert code == 0
    assert out.startswith("A  sobel(sigma=2)\nB  sobel\n")
    assert "ODS " in out and "best F is higher with A on " in out and "scene004" in out
    assert (tmp_path / "scatter.pdf").read_bytes().startswith(b"%PDF")
    assert contourbench(capsys, "compare", a, b, "--samples", 50)[1] == out
    assert "expected a figure ending in" in fails(capsys, "compare", a, b, "--out", "x.txt")
    assert "not a finished run" in fails(capsys, "compare", a, tmp_path)
