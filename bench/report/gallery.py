"""A sheet of pictures for a paper: image, ground truth and what each detector makes of it, a row per image."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter
from skimage.color import label2rgb

from ...eval.counting import pool
from ...eval.metrics import pr_curve
from ...eval.protocol import BoundaryProtocol
from ...eval.regions import summarize_regions
from ..datasets.base import Dataset
from ..errors import UserError, nearest_hint
from ..files.predictions import Prediction
from ..methods.names import Detector
from ..runs.contours import ContourJob
from ..runs.kept_maps import as_counted, counted_pair, read_saved, run_protocol, saved_maps
from ..runs.preflight import require_same_run
from ..runs.results import Run, folder_name
from ..runs.runner import run_job
from ..runs.source import DetectorSource
from ..runs.workers import Workers
from .figures import figure_style, plain_label, save_figure
from .matches import FALSE_ALARM, HIT, MISS, draw_matches, match_pixels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEGEND_HEIGHT = 0.2  # inches


def draw_gallery(
    runs: list[Run],
    dataset: Dataset,
    ids: list[str],
    out: Path,
    matches: bool = False,
    labels: list[str] | None = None,
    width: float = 6.9,
    dpi: int = 200,
) -> None:
    """Write the sheet as png, pdf or svg.

    Contour maps and the annotators' mean are shown dark on white; sweeps and hierarchies as regions in their mean
    colours, at the setting or threshold that is best for the whole data set.

    Parameters
    ----------
    runs : list of Run
        With saved maps; a column each.
    dataset : Dataset
        The images that the runs are of.
    ids : list of str
        A row each; the first three of the first run if empty.
    out : Path
        The suffix decides the format.
    matches : bool
        Whether to show, in place of what a detector made, its hits (black), false alarms (vermilion) and misses (blue)
        at the threshold that is best for the whole data set, with a legend.
    labels : list of str, optional
        What stands above each run's column, in place of its name.
    width, dpi : float, int
        Of the sheet in inches, 6.9 is a page of two columns; pixels per inch, of the pictures in pdf and svg, too.

    Raises
    ------
    UserError
        If an image is not in the data set, is not the one that was counted, or a run has no saved map of it.
    """
    ids = ids or list(runs[0].records)[:3]
    require_images(dataset, ids)
    maps = [saved_maps(run) for run in runs]
    columns = ["image", "ground truth", *(labels or [run.name for run in runs])]
    pixels = width * dpi / len(columns)
    with figure_style():
        figure, axes = new_sheet(len(ids), len(columns), width, [dataset.image(i).shape for i in ids])
        for row, image_id in zip(axes, ids, strict=True):
            image, truth = counted_pair(runs[0], dataset, image_id)
            pictures = [image, dark_on_white(truth.mean(axis=0), pixels)]
            for run, its_maps in zip(runs, maps, strict=True):
                counted_pair(run, dataset, image_id)
                saved = read_saved(run, its_maps, image_id)
                pictures.append(
                    match_picture(saved, run, image, truth) if matches else picture(saved, run, image, pixels)
                )
            for cell, shown in zip(row, pictures, strict=True):
                cell.imshow(shown, interpolation="lanczos")
        for cell, name in zip(axes[0], columns, strict=True):
            label = plain_label(name)
            cell.set_title(label if len(name) < 24 else label.replace("(", "\n("), fontsize=6)
        if matches:
            _add_match_legend(figure)
        save_figure(figure, out, dpi)


def _add_match_legend(figure: "Figure") -> None:
    """Say below the pictures which colour is what."""
    from matplotlib.lines import Line2D

    names = {"hit": HIT, "false alarm": FALSE_ALARM, "miss": MISS}
    handles = [Line2D([], [], color=np.divide(rgb, 255), linewidth=2, label=name) for name, rgb in names.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, fontsize=6)
    figure.set_figheight(figure.get_figheight() + LEGEND_HEIGHT)


def run_few(detector: Detector, dataset: Dataset, ids: list[str], folder: Path, workers: Workers) -> Run:
    """Run a detector on a few images for a picture, and return the run; what ``folder`` holds of it is not made again.

    Raises
    ------
    UserError
        If an image is not in the data set.
    RunFailed
        If the detector failed.
    """
    require_images(dataset, ids)
    job = ContourJob(
        source=DetectorSource(detector),
        dataset=dataset.subset(ids),
        protocol=BoundaryProtocol(),
        folder=folder / folder_name(detector.name),
    )
    require_same_run(job)
    return run_job(job, workers, detector.name)


def require_images(dataset: Dataset, ids: list[str]) -> None:
    """Raise `UserError` if an image is not in the data set."""
    for image_id in ids:
        if image_id not in dataset.ids:
            hint = nearest_hint(image_id, list(dataset.ids))
            raise UserError(f"not in {dataset.name}{hint}", parameter="images", value=image_id)


def picture(prediction: Prediction, run: Run, image: NDArray[np.uint8], pixels: float = np.inf) -> NDArray[np.uint8]:
    """Return a prediction as an (H, W, 3) uint8 picture, to be shown ``pixels`` wide."""
    labels = prediction.labels(best_scale(run) if prediction.is_soft else best_level(run))
    return dark_on_white(prediction.contour_map(), pixels) if labels is None else mean_colours(labels, image)


def match_picture(
    prediction: Prediction, run: Run, image: NDArray[np.uint8], truth: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Return hits, false alarms and misses at the run's best threshold over the image, (H, W, 3) uint8."""
    matches = match_pixels(as_counted(run, prediction), truth, best_level(run), run_protocol(run))
    return draw_matches(image, matches)


def best_scale(run: Run) -> float:
    """Return the threshold whose regions have the best covering over the whole data set; one half without regions."""
    return summarize_regions(run.regions).covering.ods_threshold if run.regions else 0.5


def best_level(run: Run) -> float:
    """Return the threshold, or the number of the setting, of highest F over the whole data set (not interpolated)."""
    curve = pr_curve(pool(run.counts.values()))
    return float(curve.thresholds[np.argmax(curve.f)])


def mean_colours(labels: NDArray[np.integer], image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return each region of (H, W) labels in the mean colour it has in the (H, W, 3) image."""
    none = labels.min() - 1  # no label is background
    return np.rint(label2rgb(labels, image.astype(np.float64), kind="avg", bg_label=none)).astype(np.uint8)


def dark_on_white(soft: NDArray[np.floating], pixels: float = np.inf) -> NDArray[np.uint8]:
    """Return a contour map as a picture; where it is shown less than its width, ``pixels``, lines are as much wider.

    Else a line of one pixel would be averaged away.
    """
    wide = maximum_filter(np.asarray(soft, np.float64), max(1, round(soft.shape[1] / pixels)))
    grey = np.rint(255 * (1 - wide)).astype(np.uint8)
    return np.repeat(grey[:, :, np.newaxis], 3, axis=2)


def new_sheet(
    rows: int, columns: int, width: float, shapes: list[tuple[int, ...]]
) -> tuple["Figure", list[list["Axes"]]]:
    """Return a figure and its axes, rows as high as their images."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    ratios = [shape[0] / shape[1] for shape in shapes]
    figure = Figure(figsize=(width, width / columns * sum(ratios) + 0.3), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False, height_ratios=ratios)
    for cell in axes.ravel():
        cell.set_axis_off()
    figure.get_layout_engine().set(w_pad=0.01, h_pad=0.01, wspace=0.01, hspace=0.01)
    return figure, axes.tolist()
