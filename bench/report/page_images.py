"""The page image by image: which ones, and of each the photograph, the truth, the maps and the matches as pictures."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...eval.counting import pool
from ...eval.metrics import pr_curve, summarize
from ..datasets.base import Dataset
from ..errors import UserError, argument, listing
from ..runs.kept_maps import as_counted, counted_pair, read_saved, run_protocol, saved_maps
from ..runs.progress import Progress
from ..runs.results import Run
from .matches import FALSE_ALARM, HIT, MISS, match_kinds, match_pixels
from .page_curves import is_sweep, rounded, stop_names

if TYPE_CHECKING:
    from PIL.Image import Image

# A slider has at most as many stops as 8 bits tell apart; the match picture is drawn at a few of them.
MOST_STOPS, MOST_PICTURES = 255, 13
JPEG_QUALITY = 80
KINDS = {"hit": HIT, "false alarm": FALSE_ALARM, "miss": MISS}


class Shown(NamedTuple):
    """What the image browser is made of: runs with saved maps, and ids with the place by best F, worst first."""

    runs: list[Run]
    maps: list[dict[str, Path]]
    places: dict[str, int]
    note: str


def choose_images(runs: list[Run], dataset: Dataset, n_images: int) -> Shown:
    """Choose the runs that have maps, and images spread over the ranks of the best run's F."""
    found = [(run, saved_maps(run)) for run in runs]
    found.sort(key=lambda pair: -summarize(pair[0].counts).ods.f)
    lacking = [run.name for run, maps in found if not maps]
    found = [(run, maps) for run, maps in found if maps]
    if not found:
        raise UserError(
            f"no maps are saved in these runs, so there are no pictures to show; leave out {argument('data')}"
        )
    ids = [i for i in found[0][0].records if all(i in run.records for run, _ in found)]
    missing = sorted(set(ids) - set(dataset.ids))
    if missing or not ids:
        what = f"no image for {len(missing)} id(s): {listing(missing)}" if missing else "the runs share no image"
        raise UserError(f"{argument('data')}: {what}; another data set or split than the runs'?")
    f = {i: pr_curve(found[0][0].counts[i]).f.max() for i in ids}
    ranked = sorted(ids, key=lambda i: (f[i], i))
    places = np.unique(np.rint(np.linspace(0, len(ids) - 1, min(n_images, len(ids)))).astype(int))
    best = found[0][0].name
    note = f"{len(places)} of {len(ids)} images, from the worst to the best by {best}’s best F on each."
    note += f" No maps are saved of {listing(lacking)}." if lacking else ""
    return Shown([r for r, _ in found], [m for _, m in found], {ranked[p]: int(p) + 1 for p in places}, note)


def browser_data(shown: Shown, dataset: Dataset) -> dict[str, Any]:
    """Return what the script shows of the chosen images: for each its pictures, and what every detector made of it."""
    detectors = []
    for run in shown.runs:
        names, start = stop_names(run), _overall_best(run)
        stops = [names[k] for k in _stops(run)]
        detectors.append({"name": run.name, "stops": stops, "start": start, "sweep": is_sweep(run)})
    images = []
    with Progress("page", len(shown.places)) as progress:
        for image_id, place in shown.places.items():
            images.append(_image(shown, dataset, image_id, place))
            progress.step()
    return {"detectors": detectors, "images": images}


def _stops(run: Run) -> NDArray[np.int64]:
    """Return which of a run's thresholds the slider stops at: all, if 8 bits can tell them apart."""
    number = len(next(iter(run.counts.values())).thresholds)
    return np.unique(np.rint(np.linspace(0, number - 1, min(number, MOST_STOPS))).astype(int))


def _overall_best(run: Run) -> int:
    """Return the stop of highest F over all images."""
    return int(np.argmax(pr_curve(pool(run.counts.values()).at(_stops(run))).f))


def _image(shown: Shown, dataset: Dataset, image_id: str, place: int) -> dict[str, Any]:
    for run in shown.runs:
        image, truth = counted_pair(run, dataset, image_id)
    number = len(shown.runs[0].records)
    levels = np.rint(255 * (1 - np.arange(len(truth) + 1) / len(truth))).astype(int)
    return {
        "id": image_id,
        "label": f"{image_id} (place {place} of {number})",
        "width": image.shape[1],
        "height": image.shape[0],
        "annotators": len(truth),
        "photo": jpeg_uri(image),
        "truth": png_uri(truth.sum(axis=0), [(grey,) * 3 for grey in levels]),
        "made": [_made_of(*pair, image_id, truth) for pair in zip(shown.runs, shown.maps, strict=True)],
    }


def _made_of(run: Run, maps: dict[str, Path], image_id: str, truth: NDArray[np.bool_]) -> dict[str, Any]:
    """Return one detector's map of an image, its scores at each stop, and its matches at some of them."""
    prediction = as_counted(run, read_saved(run, maps, image_id))
    counts = run.counts[image_id].at(_stops(run))
    curve, soft = pr_curve(counts), prediction.contour_map()
    levels = np.linspace(0, 1, len(counts.thresholds) + 1)[1:] if is_sweep(run) else counts.thresholds
    # the number of stops that a pixel reaches: binarised at a stop, it is exact
    steps = np.searchsorted(levels, soft.astype(np.float64) + (1e-6 if is_sweep(run) else 0), side="right")
    palette = [(0, 0, 0, 0), *((*colour, 255) for colour in KINDS.values())]
    drawn = _drawn_stops(curve.f, counts.sum_p, _overall_best(run))
    protocol = run_protocol(run)
    found = [match_pixels(prediction, truth, float(counts.thresholds[stop]), protocol) for stop in drawn]
    return {
        "map": png_uri(steps, [(grey,) * 3 for grey in range(len(levels) + 1)]),
        "precision": rounded(curve.precision),
        "recall": rounded(curve.recall),
        "f": rounded(curve.f),
        "drawn": drawn,
        # all in one picture, their first rows first, then their second rows …: neighbours are alike, and so it is small
        "matches": png_uri(np.stack(list(map(match_kinds, found)), axis=1).reshape(-1, truth.shape[2]), palette),
    }


def _drawn_stops(f: NDArray, predicted: NDArray, overall: int) -> list[int]:
    """Choose stops for match pictures: where F is at least half its best, with the best of the image and of all."""
    if len(f) <= MOST_PICTURES:
        return list(range(len(f)))
    useful = np.flatnonzero((f >= f.max() / 2) & (predicted > 0))
    ends = (useful[0], useful[-1]) if len(useful) else (0, len(f) - 1)
    even = np.rint(np.linspace(*ends, MOST_PICTURES - 2)).astype(int).tolist()
    return sorted({*even, int(np.argmax(f)), overall})


def jpeg_uri(image: NDArray[np.uint8]) -> str:
    """Return an (H, W, 3) image as a JPEG in a data URI."""
    from PIL import Image

    return _data_uri(Image.fromarray(image), "JPEG", quality=JPEG_QUALITY)


def png_uri(indices: NDArray, palette: Sequence[tuple[int, ...]]) -> str:
    """Return an (H, W) array of colours' numbers as a PNG in a data URI; colours of four parts set transparency."""
    from PIL import Image

    picture = Image.fromarray(indices.astype(np.uint8)).convert("P")
    colours = np.array(palette, np.uint8)
    picture.putpalette(colours[:, :3].tobytes())
    alpha = {"transparency": colours[:, 3].tobytes()} if colours.shape[1] == 4 else {}
    return _data_uri(picture, "PNG", optimize=True, **alpha)


def _data_uri(picture: "Image", kind: str, **options: Any) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"
