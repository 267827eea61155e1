"""One table of all variants tried: scores with their intervals, paired differences to references, seconds.

    python -m contourbench.bench.studies.variants RESULTS --reference NAME [--reference NAME] --out TABLE.md

RESULTS holds finished runs, such as those of ``contourbench run VARIANT… --split val --out RESULTS``; a variant is a
detector's name with other parameters. Only stored counts are read.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from ...eval.uncertainty import SCORES, bootstrap
from ..errors import UserError, listing
from ..files.atomic import write_text
from ..report.comparison import compare_runs
from ..runs.results import Run, find_runs, finished, load_run

SHOWN = ("ods", "ap")  # of the differences


def research_table(runs: list[Run], references: Sequence[str], samples: int = 1000, seed: int = 0) -> str:
    """Return a Markdown table of runs, best ODS first.

    Parameters
    ----------
    runs : list of Run
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
    by_name = {run.name: run for run in runs}
    for name in references:
        if name not in by_name:
            raise UserError(f"--reference: {name!r} is not among the runs: {listing(sorted(by_name))}")
    head = ["detector", *(score.upper() for score in SCORES)]
    head += [f"{score.upper()} − `{name}`" for name in references for score in SHOWN]
    rows = [(bootstrap(run.counts, samples, seed), run) for run in runs]
    rows.sort(key=lambda row: -row[0]["ods"].value)
    lines = [[*head, "seconds"], ["---"] * (len(head) + 1)]
    for scores, run in rows:
        cells = [f"`{run.name}`"]
        cells += [f"{scores[s].value:.3f} [{scores[s].low:.3f}, {scores[s].high:.3f}]" for s in SCORES]
        for name in references:
            found = compare_runs(run, by_name[name], samples, seed).differences
            cells += [
                "–" if run.name == name else f"{d.value:+.3f} [{d.low:+.3f}, {d.high:+.3f}]"
                for d in (found[s] for s in SHOWN)
            ]
        lines.append([*cells, _seconds(run)])
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


def _seconds(run: Run) -> str:
    """Median of what the detector took for an image, on whatever machine and beside whatever else it ran."""
    taken = [steps["detect"] for steps in run.meta["seconds"].values() if "detect" in steps]
    return f"{median(taken):.1f}" if taken else "–"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="contourbench.bench.studies.variants", description=__doc__.split("\n")[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--reference", action="append", default=[])
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        text = research_table([load_run(folder) for folder in finished(find_runs(options.results))], options.reference)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    write_text(options.out, text)
    print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
