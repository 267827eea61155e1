"""Contours and regions by convolutional neural fields fitted to one image, without labels.

Nothing is loaded before it is asked for: every name below needs torch.

- `cnf`, `cnf_fast`, `cnf_thesis`: contour maps; `cnf_ucm`, `cnf_segmentation`: regions (`contours.detectors`);
- `consensus`: contours on which colour partitions, textons and co-occurrence agree (`contours.consensus`);
- `dfc`: differentiable feature clustering, a comparison (`clustering.dfc`).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .clustering.dfc import dfc
    from .contours.consensus import consensus
    from .contours.detectors import cnf, cnf_fast, cnf_segmentation, cnf_thesis, cnf_ucm

__all__ = ["cnf", "cnf_fast", "cnf_segmentation", "cnf_thesis", "cnf_ucm", "consensus", "dfc"]

_PLACES = dict.fromkeys(__all__, ".contours.detectors")
_PLACES |= {"consensus": ".contours.consensus", "dfc": ".clustering.dfc"}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name], __name__), name)


def __dir__() -> list[str]:
    return list(__all__)
