"""What all figures share: colours, type, size, and files that are the same bytes each time."""

import io
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from ..files.atomic import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito's palette, distinguishable with any colour vision; black is kept for the last.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8A7A00", "#000000")
FORMATS = (".png", ".pdf", ".svg")
DPI = 200


def plain_label(name: str) -> str:
    """Return a detector's name as it stands, where a dollar sign would begin a formula."""
    return name.replace("$", r"\$")


def figure_style() -> AbstractContextManager[None]:
    """Return the context in which figures are drawn and saved: small type, and the same bytes each time.

    Letters stay letters: TrueType in pdf, as publishers ask for (Type 3 is refused by many), and text in svg.
    """
    import matplotlib

    fonts = {"pdf.fonttype": 42, "ps.fonttype": 42, "svg.fonttype": "none"}
    return matplotlib.rc_context({"svg.hashsalt": "contourbench", "font.size": 8, **fonts})


def new_figure(size: tuple[float, float], columns: int = 1) -> tuple["Figure", list["Axes"]]:
    """Return a figure of ``size`` inches with a row of axes, outside any interactive backend."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(1, columns, squeeze=False)[0])


def save_figure(figure: "Figure", path: Path, dpi: int = DPI) -> None:
    """Write a figure atomically, and without dates, so that the same figure gives the same bytes."""
    buffer = io.BytesIO()
    kind = path.suffix.lower()
    dateless = {".png": {}, ".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
    figure.savefig(buffer, format=kind[1:], dpi=dpi, metadata=dateless[kind])
    write_bytes(path, buffer.getvalue())
