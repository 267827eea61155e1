"""The results as one HTML file: the table, the precision–recall figure and, with maps and images, the matches.

The file needs nothing else: style, script, numbers and pictures are inside, and its content security policy forbids the
rest. What a reader sees is in the templates of ``web/``; here the numbers are folded. The same results give the same
bytes.
"""

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..datasets.base import Dataset
from ..errors import UserError
from ..files.atomic import write_text
from ..runs.evaluation_files import Evaluation
from ..runs.kept_maps import run_protocol
from ..runs.results import Run
from .choice import Choice
from .entries import OURS
from .page_curves import page_curves
from .page_images import KINDS, MOST_PICTURES, Shown, browser_data, choose_images
from .published import HUMAN_PRECISION, HUMAN_RECALL
from .tables import Table, short, single_table

if TYPE_CHECKING:
    from jinja2 import Environment

BSDS500_SHAPE = (321, 481)


def write_page(
    runs: list[Run],
    dataset: Dataset | None,
    out: Path,
    images: int = 12,
    evaluations: Sequence[Evaluation] = (),
    measured: bool = False,
) -> None:
    """Write the results of some runs as one self-contained HTML file.

    Parameters
    ----------
    runs : list of Run
        Of one data set and protocol.
    dataset : Dataset or None
        The data set of the runs, for the pictures; None leaves them out.
    out : Path
        The file to write, ``.html``.
    images : int
        How many images to show, spread over the ranks of the best detector's F from the worst to the best.
    evaluations : sequence of Evaluation
        Others' evaluation files, to stand beside the runs in table and curves.
    measured : bool
        Whether the rows that are shipped stand there, too, if the runs are of all of BSDS500 test.

    Raises
    ------
    UserError
        If the runs do not belong together, no maps are saved, or the data set or maps are not those of the runs.
    """
    if out.suffix.lower() not in (".html", ".htm") or out.is_dir():
        what = "a folder, " if out.is_dir() else ""
        raise UserError(f"{what}expected a file ending in .html", parameter="out", value=out)
    if images < 1:
        raise UserError("expected at least 1", parameter="images", value=images)
    if not runs:
        raise UserError("no finished run: a page shows evaluation files beside one's own runs only")
    folders, choice = [run.folder for run in runs], Choice(measured=measured)
    table = single_table(folders, "page", choice, evaluations)
    if table.is_bsds500_test:
        table = single_table(folders, "page", choice._replace(published=("*",)), evaluations)
    shown = choose_images(runs, dataset, images) if dataset else None
    data: dict[str, Any] = {"curves": page_curves(table.entries, runs)}
    if table.is_bsds500_test:
        data["human"] = [HUMAN_RECALL, HUMAN_PRECISION]
    if dataset and shown:
        data["browser"] = browser_data(shown, dataset)
    write_text(out, _page(table, runs, data, shown))


def _page(table: Table, runs: list[Run], data: dict[str, Any], shown: Shown | None) -> str:
    keys, frame = list(table.columns), table.frame
    measured = frame.loc[frame["source"].isin(OURS), keys]
    headings = [("detector", "text"), *((heading, "number") for heading in (*table.columns.values(), "images"))]
    return (
        _environment()
        .get_template("page.html")
        .render(
            table=table,
            headings=headings + [("source", "text")] * table.has_sources,
            rows=frame.to_dict("records"),
            best=measured.max().where(measured.count() > 1).to_dict(),
            ours=OURS,
            shown=shown,
            kinds={name: bytes(colour).hex() for name, colour in KINDS.items()},
            facts=_facts(table, runs, data.get("browser")),
            data=data,
            style=_part("page.css"),
            script=_part("page.js"),
        )
    )


def _environment() -> "Environment":
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(_part), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"short": short, "exact": _exact, "sha256": _sha256}
    # The numbers stand in the page as they are: `tojson` escapes what could end the element around them.
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "ensure_ascii": False, "separators": (",", ":")}
    return environment


def _part(name: str) -> str:
    return (files(__package__) / "web" / name).read_text(encoding="utf-8")


def _sha256(text: str) -> str:
    """Return a style or script as the content security policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _exact(value: Any) -> str:
    """Return a number with all its digits; nothing for one that is missing."""
    from pandas import isna

    return "" if isna(value) else repr(value)


def _facts(table: Table, runs: list[Run], browser: dict[str, Any] | None) -> list[tuple[str, str]]:
    """What a reader must know to make the page again: data, protocol, versions, dates."""
    meta = runs[0].meta
    dataset, protocol = meta["dataset"], meta["protocol"]
    sizes = sorted({tuple(sorted((i["height"], i["width"]))) for i in browser["images"]}) if browser else []
    sizes = sizes or ([BSDS500_SHAPE] if dataset["name"] == "BSDS500" else [])
    pixels = "; ".join(f"{run_protocol(runs[0]).tolerance((h, w)):.2f} px at {w}×{h}" for h, w in sizes)
    thinned = "thinned" if protocol["thin"] else "not thinned"
    facts = [
        ("Data", f"{dataset['name']}, {dataset['split']}: {len(runs[0].records)} images"),
        (
            "Protocol",
            f"maps binarised at {protocol['thresholds']} thresholds, {thinned}, each annotator matched one to one"
            " (optimal assignment); a sweep of segmentations has its settings in place of thresholds",
        ),
        ("Tolerance", f"{protocol['max_dist']:g} of the image diagonal" + (f" ({pixels})" if pixels else "")),
        ("Suppression", _suppression(runs)),
        (
            "Scores",
            "ODS: best F of the pooled curve, one threshold for all images; OIS: each image at its own best threshold,"
            " pooled; AP: area under the curve (official sum); R50: recall at precision .5",
        ),
        *((f"Run: {run.name}", _made(run)) for run in runs),
    ]
    if browser:
        pictures = (
            "hit: predicted pixel matched to at least one annotator; false alarm: to none; miss: true pixel that is"
            " unmatched for at least one annotator. The prediction is drawn over the misses. Maps as they are counted,"
            f" in steps of the thresholds; matches at up to {MOST_PICTURES} of them; images as JPEG"
        )
        facts.append(("Pictures", pictures))
    if table.is_bsds500_test:
        facts.append(
            ("Human agreement", f"precision {HUMAN_PRECISION}, recall {HUMAN_RECALL} (Dollár, edgesEvalPlot.m)")
        )
    return facts


def _suppression(runs: list[Run]) -> str:
    named = any(run.meta["nms"] for run in runs)
    return "none beyond the detectors’ own" + ("; with nms=… in a name, by that recipe before counting" * named)


def _made(run: Run) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in run.meta.get("versions", {}).items())
    date = str(run.meta.get("finished", "date unknown")).replace("T", " ").replace("+00:00", " UTC")
    elsewhere = ", maps made elsewhere" if run.meta.get("predictions") else ""
    return f"{date}{elsewhere}; {versions}"
