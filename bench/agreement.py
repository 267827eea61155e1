"""Human agreement on a data set, from its annotations."""

from functools import partial
from typing import NamedTuple

from ..eval.agreement import count_agreement
from ..eval.counting import BoundaryCounts, pool
from ..eval.metrics import pr_curve
from ..eval.protocol import BoundaryProtocol
from .cluster import ClusterWorkers
from .datasets import Dataset
from .errors import RunFailed, UserError
from .progress import Progress
from .published import HUMAN_PRECISION, HUMAN_RECALL
from .workers import Workers


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
    died = [image_id for image_id in dataset.ids if isinstance(found[image_id], str)]
    if died:
        raise RunFailed(f"human: {len(died)} images failed\n" + "\n".join(f"{i}: {found[i]}" for i in died[:3]))
    compared = [counts for counts in (found[i] for i in dataset.ids) if isinstance(counts, Agreement)]
    if not compared:
        raise UserError(f"{dataset.name} {dataset.split}: no image with two annotators, nothing to compare")
    lines = [f"{dataset.name} {dataset.split}, {len(compared)} of {len(dataset.ids)} images have several annotators"]
    lines.append(_line("one against all others", pool(a.others for a in compared)))
    lines.append(_line("one against one other", pool(a.single for a in compared)))
    published = 2 * HUMAN_PRECISION * HUMAN_RECALL / (HUMAN_PRECISION + HUMAN_RECALL)
    lines.append(f"published for BSDS500 test  F {published:.3f}  P {HUMAN_PRECISION:.3f}  R {HUMAN_RECALL:.3f}")
    return "\n".join(lines) + "\n"


def _count_image(dataset: Dataset, protocol: BoundaryProtocol, image_id: str) -> Agreement | str | None:
    try:
        truth = dataset.ground_truth(image_id)
    except UserError as error:
        return str(error)
    if len(truth) < 2:
        return None
    return Agreement(count_agreement(truth, protocol), count_agreement(truth, protocol, single=True))


def _line(name: str, counts: BoundaryCounts) -> str:
    curve = pr_curve(counts)
    return f"{name:<26}  F {curve.f[0]:.3f}  P {curve.precision[0]:.3f}  R {curve.recall[0]:.3f}"
