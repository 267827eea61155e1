import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from contourbench.eval import BoundaryMetric, BoundaryProtocol, count_map, summarize

FAST = BoundaryProtocol(thresholds=9)


@pytest.fixture
def images(random):
    """Four maps and two annotators each."""
    truths = random.rand(4, 2, 20, 24) > 0.85
    maps = np.clip(truths[:, 0] * 0.6 + random.rand(4, 20, 24) * 0.4, 0, 1).astype(np.float32)
    return maps, truths


def expected(maps, truths):
    return summarize([count_map(m, t, FAST) for m, t in zip(maps, truths, strict=True)])


def test_one_by_one_and_batches_agree(images):
    maps, truths = images
    one_by_one, batch, listed, channel = (BoundaryMetric(FAST) for _ in range(4))
    for contour_map, truth in zip(maps, truths, strict=True):
        one_by_one.update(contour_map, truth)
    batch.update(maps, truths)
    listed.update(maps, [truth.astype(np.uint8) for truth in truths])
    channel.update(maps[:, np.newaxis], truths)
    for metric in (one_by_one, batch, listed, channel):
        assert len(metric) == 4
        assert metric.compute() == expected(maps, truths)


def test_annotators_may_differ_in_number(images):
    maps, truths = images
    metric = BoundaryMetric(FAST)
    metric.update(maps[:2], [truths[0], truths[1, 0]])
    assert metric.compute() == expected(maps[:2], [truths[0], truths[1, :1]])


def test_states_pickle_and_add(images):
    maps, truths = images
    parts = [BoundaryMetric(FAST), BoundaryMetric(FAST)]
    parts[0].update(maps[2:], truths[2:])
    parts[1].update(maps[:2], truths[:2])
    total = BoundaryMetric(FAST)
    for part in parts:
        total.merge(pickle.loads(pickle.dumps(part)))
    assert total.compute() == expected(maps, truths)
    with pytest.raises(ValueError, match="cannot be merged"):
        total.merge(BoundaryMetric())
    total.reset()
    with pytest.raises(ValueError, match="no images"):
        total.compute()


def test_torch_tensors(images):
    torch = pytest.importorskip("torch", reason="torch is an optional extra")
    maps, truths = images
    metric = BoundaryMetric(FAST)
    metric.update(torch.from_numpy(maps).requires_grad_()[:, None], torch.from_numpy(truths))
    assert metric.compute() == expected(maps, truths)
    half = BoundaryMetric(FAST)
    half.update(torch.from_numpy(maps).bfloat16(), [torch.from_numpy(t).int() for t in truths])
    assert half.compute().ods.f == pytest.approx(metric.compute().ods.f, abs=0.05)


class FakeTensor:
    """What the metric asks of a tensor, for machines without torch."""

    def __init__(self, values, steps=()):
        self.values, self.steps = values, steps

    def detach(self):
        return FakeTensor(self.values, (*self.steps, "detach"))

    def cpu(self):
        return FakeTensor(self.values, (*self.steps, "cpu"))

    def is_floating_point(self):
        return self.values.dtype.kind == "f"

    def float(self):
        return FakeTensor(self.values.astype(np.float32), self.steps)

    def numpy(self):
        assert self.steps == ("detach", "cpu")
        return self.values


def test_anything_like_a_tensor(images):
    maps, truths = images
    metric = BoundaryMetric(FAST)
    metric.update(FakeTensor(maps), FakeTensor(truths))
    assert metric.compute() == expected(maps, truths)


@pytest.mark.parametrize(
    ("maps", "truths", "message"),
    [
        (np.zeros((2, 4, 4)), np.zeros((3, 1, 4, 4)), "3 images, but contour_map has 2"),
        (np.zeros((2, 3, 4, 4)), np.zeros((2, 1, 4, 4)), "expected \\(H, W\\)"),
        (np.zeros((2, 4, 4)), np.zeros((4, 4)), "expected \\(B, H, W\\)"),
        (np.full((2, 4, 4), 3.0), np.zeros((2, 1, 4, 4)), "values from 3 to 3"),
    ],
)
def test_refusals(maps, truths, message):
    metric = BoundaryMetric(FAST)
    with pytest.raises(ValueError, match=message):
        metric.update(maps, truths)
    assert len(metric) == 0


def test_the_examples_of_the_readme():
    """Both Python examples run as printed, on stand-ins for what the reader has."""
    readme = (Path(__file__).resolve().parents[1] / "eval" / "README.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert len(blocks) == 2
    truth = np.eye(24, dtype=bool)[np.newaxis]
    names = {
        "model": lambda images: images[:, 0] * 0.9,
        "validation": [(np.stack([truth] * 2), [truth, truth])],
        "epoch": 3,
        "print": lambda *words: names.setdefault("printed", words),
    }
    for block in blocks:
        exec(block, names)
    assert names["summary"].ods.f == 1
    assert "1.000" in str(names["printed"])


def test_it_says_what_it_holds():
    metric, truth = BoundaryMetric(), np.eye(32, dtype=bool)
    assert repr(metric) == "<BoundaryMetric of no images>"
    metric.update(np.stack([0.9 * truth] * 2), np.stack([truth] * 2)[:, None])
    assert repr(metric) == "<BoundaryMetric of 2 images: ODS 1.000, OIS 1.000>"
    assert repr(metric.compute()).startswith("<Summary: ODS 1.000 (precision 1.000, recall 1.000 at ")
