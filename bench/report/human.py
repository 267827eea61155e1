"""Human agreement on a data set, from its annotations."""

from functools import partial
from typing import NamedTuple

from ...eval.agreement import count_agreement
from ...eval.counting import BoundaryCounts, pool
from ...eval.metrics import pr_curve
from ...eval.protocol import BoundaryProtocol
from ..datasets.base import Dataset
from ..errors import RunFailed, UserError
from ..runs.cluster import ClusterWorkers
from ..runs.progress import Progress
from ..runs.workers import Workers
from .published import HUMAN_PRECISION, HUMAN_RECALL

ALONE = "one annotator alone"


class Agreement(NamedTuple):
    """One image's counts: each annotator against all others, and against every single other."""

    others: BoundaryCounts
    single: BoundaryCounts


def agreement_text(dataset: Dataset, protocol: BoundaryProtocol, workers: Workers | ClusterWorkers) -> str:
    """Return F, precision and recall of the annotators against one another.

    Raises
    ------
    UserError
        If no image has two annotators.
    """
    with Progress("human", len(dataset.ids)) as progress:
        found = {}
        for image_id, counts in workers.map(partial(_count_image, dataset, protocol), dataset.ids):
            found[image_id] = counts
            progress.step()
    failed = {i: found[i] or "the worker process died" for i in dataset.ids if not isinstance(found[i], Agreement)}
    failed = {i: reason for i, reason in failed.items() if reason != ALONE}
    if failed:
        lines = [f"{i}: {reason}" for i, reason in list(failed.items())[:3]]
        raise RunFailed("\n".join([f"human: {len(failed)} images failed", *lines]))
    compared = [counts for counts in (found[i] for i in dataset.ids) if isinstance(counts, Agreement)]
    if not compared:
        raise UserError(f"{dataset.name} {dataset.split}: no image with two annotators, nothing to compare")
    lines = [f"{dataset.name} {dataset.split}, {len(compared)} of {len(dataset.ids)} images have several annotators"]
    lines.append(_line("one against all others", pool(a.others for a in compared)))
    lines.append(_line("one against one other", pool(a.single for a in compared)))
    published = 2 * HUMAN_PRECISION * HUMAN_RECALL / (HUMAN_PRECISION + HUMAN_RECALL)
    lines.append(f"published for BSDS500 test  F {published:.3f}  P {HUMAN_PRECISION:.3f}  R {HUMAN_RECALL:.3f}")
    return "\n".join(lines) + "\n"


def _count_image(dataset: Dataset, protocol: BoundaryProtocol, image_id: str) -> Agreement | str:
    """Return the counts, or a line that says why there are none."""
    try:
        truth = dataset.ground_truth(image_id)
    except UserError as error:
        return str(error)
    if len(truth) < 2:
        return ALONE
    return Agreement(count_agreement(truth, protocol), count_agreement(truth, protocol, single=True))


def _line(name: str, counts: BoundaryCounts) -> str:
    curve = pr_curve(counts)
    return f"{name:<26}  F {curve.f[0]:.3f}  P {curve.precision[0]:.3f}  R {curve.recall[0]:.3f}"
