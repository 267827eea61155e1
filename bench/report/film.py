"""The filmstrip of a field being fitted to one image: reconstruction, heads and contours over the iterations."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from .figures import COLOURS, figure_style, save_figure
from .gallery import dark_on_white, new_sheet

WIDTH = 6.9  # inches
# Okabe & Ito's colours for the classes of a head.
CLASS_COLOURS = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in COLOURS], np.uint8)


def draw_film(
    image: NDArray[np.uint8], iterations: tuple[int, ...], layers: int, seed: int, out: Path, dpi: int = 200
) -> None:
    """Write the filmstrip as png, pdf or svg: a column per number of iterations.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
        RGB.
    iterations : tuple of int
        When to look.
    layers : {3, 4}
        Of the field's encoder.
    seed : int
        Of all randomness.
    out : Path
        The suffix decides the format.
    dpi : int
        Pixels per inch, of the pictures in pdf and svg, too.

    Raises
    ------
    UserError
        If torch is not installed or a value is out of range.
    """
    try:
        from ...cnf_contours.config import CNF
        from ...cnf_contours.contours.filmstrip import film
    except ModuleNotFoundError:
        raise UserError("film: needs torch, which is not installed; pip install 'contourbench[cnf]'") from None

    try:
        frames = film(image, iterations, CNF.changed(layers=layers, seed=seed))
    except (ValueError, ArithmeticError) as error:
        raise UserError(f"film: {error}") from None
    rows = [[frame.reconstruction for frame in frames]]
    rows += [
        [CLASS_COLOURS[frame.classes[n] % len(COLOURS)] for frame in frames] for n in range(len(frames[0].classes))
    ]
    rows += [[dark_on_white(frame.contours, WIDTH * dpi / len(frames)) for frame in frames]]
    names = ["reconstruction", *(f"head {n + 1}" for n in range(len(rows) - 2)), "contours"]
    with figure_style():
        figure, axes = new_sheet(len(rows), len(frames), WIDTH, [picture[0].shape for picture in rows])
        for cells, pictures, name in zip(axes, rows, names, strict=True):
            for cell, picture in zip(cells, pictures, strict=True):
                cell.imshow(picture, interpolation="lanczos" if name in ("reconstruction", "contours") else "nearest")
            cells[0].text(-0.03, 0.5, name, rotation=90, ha="right", va="center", transform=cells[0].transAxes)
        for cell, frame in zip(axes[0], frames, strict=True):
            cell.set_title(f"{frame.iterations} iterations", fontsize=7)
        save_figure(figure, out, dpi)
