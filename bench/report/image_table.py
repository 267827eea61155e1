"""What runs scored on every image, as text, markdown or csv, by image id."""

from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError, nearest_hint
from ..runs.results import finished, load_run
from .frames import per_image


def image_table(
    folders: Sequence[Path], style: str = "csv", columns: Sequence[str] = (), sort: str = "", best_first: bool = False
) -> str:
    """Return a row for each image of each finished run: detector, id, and the columns of `per_image`.

    ``columns`` chooses some of these; ``sort`` orders the images of each run by one, lowest first unless
    ``best_first``.

    Raises
    ------
    UserError
        If there is no finished run, no such column, or ``style`` is none for this.
    """
    from pandas import concat

    if style == "latex":
        raise UserError("expected text, md or csv for single images", parameter="format", value=style)
    runs = [load_run(folder) for folder in finished(list(folders))]
    if not runs:
        raise UserError("no finished run: single images are known of runs alone")
    parts = []
    for run in runs:
        frame = per_image(run).reset_index()
        _require_columns(list(frame), [*columns, *([sort] if sort else [])], "columns" if not sort else "sort")
        frame = frame.sort_values(sort, ascending=not best_first, kind="stable") if sort else frame
        parts.append(frame[["id", *columns]] if columns else frame)
        parts[-1].insert(0, "detector", run.name)
    whole = concat(parts, ignore_index=True)
    if style == "csv":
        return whole.to_csv(index=False, float_format="%.6f", lineterminator="\n")
    if style == "md":
        return whole.to_markdown(index=False, floatfmt=".3f") + "\n"
    return whole.to_string(index=False, float_format="%.3f", na_rep="–") + "\n"


def _require_columns(known: list[str], asked: Sequence[str], parameter: str) -> None:
    for name in asked:
        if name not in known:
            hint = nearest_hint(name, known) or f" (there are: {', '.join(known)})"
            raise UserError(f"no such column{hint}", parameter=parameter, value=name)
