"""One table of all variants tried: scores with their intervals, paired differences to references, seconds.

    python -m contourbench.bench.studies.variants RESULTS --reference NAME [--reference NAME] --out TABLE.md

RESULTS holds finished runs, such as those of ``contourbench run VARIANT… --split val --out RESULTS``; a variant is a
detector's name with other parameters. Only stored counts are read.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ...eval.uncertainty import SCORES, bootstrap
from ..errors import UserError, listing
from ..files.atomic import write_text
from ..report.comparison import compare_runs, interval_text
from ..report.frames import per_image, runs_of
from ..report.rendering import markdown
from ..runs.results import Run

COMPARED = ("ods", "ap")  # what the differences are shown of


def variants_table(runs: Sequence[Run], references: Sequence[str], samples: int = 1000, seed: int = 0) -> str:
    """Return a Markdown table of runs, best ODS first.

    Parameters
    ----------
    runs : sequence of Run
        Of the same images and protocol.
    references : sequence of str
        Names of runs that the others are compared with.
    samples, seed : int
        Of the bootstrap over images.

    Raises
    ------
    UserError
        If a reference is not among the runs, or runs are not comparable.
    """
    from pandas import DataFrame

    by_name = {run.name: run for run in runs}
    for name in references:
        if name not in by_name:
            raise UserError(f"--reference: {name!r} is not among the runs: {listing(sorted(by_name))}")
    rows = []
    for run in runs:
        scores = bootstrap(run.counts, samples, seed)
        row = {"rank": -scores["ods"].value, "detector": f"`{run.name}`"}
        row |= {score.upper(): interval_text(scores[score]) for score in SCORES}
        for name in references:
            row |= _differences(run, by_name[name], samples, seed)
        rows.append(row | {"seconds": _seconds(run)})
    return markdown(DataFrame(rows).sort_values("rank", kind="stable").drop(columns="rank"))


def _differences(run: Run, reference: Run, samples: int, seed: int) -> dict[str, str]:
    found = compare_runs(run, reference, samples, seed).differences
    same = run.name == reference.name
    return {
        f"{score.upper()} − `{reference.name}`": "–" if same else interval_text(found[score], "+") for score in COMPARED
    }


def _seconds(run: Run) -> str:
    """Median of what the detector took for an image, on whatever machine and beside whatever else it ran."""
    median = per_image(run)["detect_seconds"].median()
    return "–" if median != median else f"{median:.1f}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="contourbench.bench.studies.variants", description=__doc__.split("\n")[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--reference", action="append", default=[])
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        text = variants_table(runs_of(options.results), options.reference)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    write_text(options.out, text)
    print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
