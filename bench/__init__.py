"""The suite: data sets, methods, runs, tables and figures, and the ``contourbench`` command.

An image goes in at a method, what it draws is counted against the annotators, and every number, table and figure is a
fold over those counts. The rooms: ``files`` (single files), ``datasets``, ``methods`` (their names), ``runs`` (who
computes what, and its record), ``report`` (tables, frames, figures, pages), ``cli`` (the command), ``studies``.

What a notebook needs is here, imported when it is first asked for:

>>> from contourbench.bench import detect, draw_curves, load_results, open_dataset, per_image, run
"""

from importlib import import_module
from typing import Any

PUBLIC = {
    "detect": ".runs.photo",
    "open_dataset": ".datasets.opening",
    "run": ".runs.api",
    "score": ".runs.api",
    "load_results": ".report.frames",
    "per_image": ".report.frames",
    "curves_frame": ".report.frames",
    "compare_frame": ".report.frames",
    "draw_curves": ".report.curves",
}

__all__ = list(PUBLIC)


def __getattr__(name: str) -> Any:
    if name in PUBLIC:
        return getattr(import_module(PUBLIC[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
