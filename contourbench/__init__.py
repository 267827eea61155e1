"""Benchmark contour detectors and segmentations: exact BSDS scores, classical methods, neural fields.

The rooms are subpackages, imported when they are first asked for: ``contourbench.eval`` (scores), ``.baselines``
(classical methods), ``.cnf_contours`` (neural fields; needs torch) and ``.bench`` (data sets, runs, tables, figures).
"""

import logging
from importlib import import_module
from types import ModuleType

from .kernel_cache import ensure_kernel_cache

ROOMS = ("baselines", "bench", "cnf_contours", "eval")

# What the library has to tell goes to loggers of this name; nothing is shown unless somebody asks for it.
logging.getLogger(__name__).addHandler(logging.NullHandler())

ensure_kernel_cache()

__all__ = ["__version__", *ROOMS]


def __getattr__(name: str) -> ModuleType | str:
    if name in ROOMS:
        return import_module(f"{__name__}.{name}")
    if name == "__version__":
        return _version()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(__name__)
    except PackageNotFoundError:  # a checkout on the path that was not installed
        return "unknown"
