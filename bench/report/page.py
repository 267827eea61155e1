"""The results as one HTML file: the table, the precision–recall figure and, with maps and images, the matches.

The file needs nothing else: style, script, numbers and pictures are inside, and its content security policy forbids the
rest. The parts that do not depend on results are in ``web/``; here the numbers are folded and the pictures encoded. The
same results give the same bytes.
"""

import base64
import hashlib
import json
import struct
import zlib
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...eval.counting import pool
from ...eval.metrics import best_point, f_measure, pr_curve, summarize
from ...eval.sweeps import Sweep
from ..datasets.base import Dataset
from ..errors import UserError, listing
from ..files.atomic import write_text
from ..files.predictions import counted_map
from ..runs.kept_maps import counted_pair, read_saved, run_protocol, saved_maps
from ..runs.progress import Progress
from ..runs.results import Run
from .figures import COLOURS
from .matches import FALSE_ALARM, HIT, MISS, match_kinds, match_pixels
from .published import HUMAN_PRECISION, HUMAN_RECALL, published_curves, published_scores
from .tables import MEASURED, Table, make_tables, short

# A slider has at most as many stops as 8 bits tell apart; the match picture is drawn at a few of them.
MOST_STOPS, MOST_PICTURES = 255, 13
JPEG_QUALITY = 80
BSDS500_SHAPE = (321, 481)
KINDS = {"hit": HIT, "false alarm": FALSE_ALARM, "miss": MISS}


class Shown(NamedTuple):
    """What the image browser is made of: runs with saved maps, and ids with the place by best F, worst first."""

    runs: list[Run]
    maps: list[dict[str, Path]]
    places: dict[str, int]
    note: str


def write_page(runs: list[Run], dataset: Dataset | None, out: Path, n_images: int = 12) -> None:
    """Write the results of some runs as one self-contained HTML file.

    Parameters
    ----------
    runs : list of Run
        Of one data set and protocol.
    dataset : Dataset or None
        The data set of the runs, for the pictures; None leaves them out.
    out : Path
        The file to write, ``.html``.
    n_images : int
        How many images to show, spread over the ranks of the best detector's F from the worst to the best.

    Raises
    ------
    UserError
        If the runs do not belong together, no maps are saved, or the data set or maps are not those of the runs.
    """
    if out.suffix.lower() not in (".html", ".htm") or out.is_dir():
        raise UserError(f"--out {out}: {'a folder, ' if out.is_dir() else ''}expected a file ending in .html")
    if n_images < 1:
        raise UserError(f"--images {n_images}: expected at least 1")
    section = _section(runs)
    shown = _choose(runs, dataset, n_images) if dataset else None
    data: dict[str, Any] = {"curves": _curves(runs, section.is_bsds500_test)}
    if section.is_bsds500_test:
        data["human"] = [HUMAN_RECALL, HUMAN_PRECISION]
    if dataset and shown:
        data["browser"] = _browser(shown, dataset)
    write_text(out, _page(section, runs, data, shown))


def _section(runs: list[Run]) -> Table:
    folders = [run.folder for run in runs]
    groups = make_tables(folders)
    if len(groups) != 1:
        titles = "; ".join(group.title for group in groups) or "no finished run"
        raise UserError(f"page: {titles}; a page shows one data set and protocol, name its folder")
    return make_tables(folders, published=True)[0] if groups[0].is_bsds500_test else groups[0]


# Text and table


def _page(section: Table, runs: list[Run], data: dict[str, Any], shown: Shown | None) -> str:
    style, script = _part("page.css"), _part("page.js")
    published = section.is_bsds500_test
    note = "Bold: the best measured here." if len(runs) > 1 else ""
    note += " Rows on grey, in italics, were published by others; their sources are named." if published else ""
    return Template(_part("page.html")).substitute(
        policy=f"default-src 'none'; img-src data:; style-src {_sha256(style)}; script-src {_sha256(script)}",
        title=escape(f"contourbench: {section.title}"),
        style=style,
        script=script,
        browser_link=' <a href="#images">Image by image</a>' if shown else "",
        table_note=note,
        table=_table(section),
        browser=_browser_html(shown) if shown else "",
        about=_about(section, runs, data.get("browser")),
        data=_json(data),
    )


def _part(name: str) -> str:
    return (files(__package__) / "web" / name).read_text(encoding="utf-8")


def _sha256(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _json(value: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _table(section: Table) -> str:
    with_source, frame = section.has_published, section.frame
    heads = [_head("detector", "text"), *(_head(h, "number") for h in section.columns.values())]
    heads += [_head("images", "number")] + ([_head("source", "text")] if with_source else [])
    measured = frame.loc[frame["source"] == MEASURED, list(section.columns)]
    best = measured.max() if len(measured) > 1 else measured.max() * float("nan")
    body = "\n".join(_row(row, best, with_source) for row in frame.to_dict("records"))
    notes = "".join(f"<p>Note: {escape(line)}.</p>" for line in section.notes)
    return (
        '<div class="scroll" tabindex="0" role="region" aria-labelledby="table-title"><table class="sortable">\n'
        f"<thead><tr>{''.join(heads)}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>\n{notes}"
    )


def _head(name: str, kind: str) -> str:
    button = f'<button type="button">{escape(name)}</button>'
    return f'<th scope="col" class="{kind}" data-kind="{kind}" aria-sort="none">{button}</th>'


def _row(row: dict[str, Any], best: Any, with_source: bool) -> str:
    measured, name = row["source"] == MEASURED, escape(row["detector"])
    cells = [f'<th scope="row" data-value="{name}">{name}</th>']
    for value, highest in ((row[key], best[key]) for key in best.index):
        text = f"<strong>{short(value)}</strong>" if measured and value == highest else short(value)
        cells.append(f'<td data-value="{"" if value != value else repr(float(value))}">{text}</td>')
    images = str(row["images"]) if row["images"] == row["images"] else ""
    cells.append(f'<td data-value="{images}">{images or "–"}</td>')
    if with_source:
        cells.append(f'<td class="text" data-value="{escape(row["source"])}">{escape(row["source"])}</td>')
    return f'<tr class="{"measured" if measured else "published"}">{"".join(cells)}</tr>'


def _about(section: Table, runs: list[Run], browser: dict[str, Any] | None) -> str:
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
        ("Suppression", protocol.get("nms") or "none beyond the detectors’ own"),
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
    if section.is_bsds500_test:
        facts.append(
            ("Human agreement", f"precision {HUMAN_PRECISION}, recall {HUMAN_RECALL} (Dollár, edgesEvalPlot.m)")
        )
    return "<dl>" + "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>\n" for k, v in facts) + "</dl>"


def _made(run: Run) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in run.meta.get("versions", {}).items())
    date = str(run.meta.get("finished", "date unknown")).replace("T", " ").replace("+00:00", " UTC")
    elsewhere = ", maps made elsewhere" if run.meta.get("predictions") else ""
    return f"{date}{elsewhere}; {versions}"


# Curves


def _curves(runs: list[Run], published: bool) -> list[dict[str, Any]]:
    """Measured curves by descending F, then published ones; a colour each, dashed from the second round on."""
    curves = sorted(map(_measured, runs), key=lambda curve: -curve["f"]) + (_published() if published else [])
    dashes = ("none", "7 3", "2 3", "10 3 2 3")
    for i, curve in enumerate(curves):
        curve["colour"] = COLOURS[i % len(COLOURS)]
        curve["dash"] = dashes[i // len(COLOURS) % len(dashes)]
    return curves


def _measured(run: Run) -> dict[str, Any]:
    curve = pr_curve(pool(run.counts.values()))
    seen = curve.recall + curve.precision > 0  # thresholds above every response are no points of the curve
    at = [name for name, keep in zip(_stop_names(run), seen, strict=True) if keep]
    best = best_point(curve).score
    points = _points(run.name, curve.precision[seen], curve.recall[seen], at)
    return {**points, "f": _rounded(best.f), "best": _rounded([best.recall, best.precision]), "published": False}


def _published() -> list[dict[str, Any]]:
    scores = {row.method: row.ods for row in published_scores()}
    curves = []
    for curve in published_curves():
        best = int(np.argmax(f_measure(curve.precision, curve.recall)))
        points = _points(f"{curve.method} (published)", curve.precision, curve.recall, [])
        dot = _rounded([curve.recall[best], curve.precision[best]])
        curves.append({**points, "f": _rounded(scores[curve.method]), "best": dot, "published": True})
    return sorted(curves, key=lambda curve: -curve["f"])


def _points(name: str, precision: ArrayLike, recall: ArrayLike, at: list[str]) -> dict[str, Any]:
    return {"name": name, "precision": _rounded(precision), "recall": _rounded(recall), "at": at}


def _stop_names(run: Run) -> list[str]:
    """Name each point of a run's curve: its threshold, or its setting."""
    thresholds = next(iter(run.counts.values())).thresholds
    if run.settings:
        return [f"setting {name}" for name in run.settings]
    if _is_sweep(run):
        return [f"setting {k:.0f}" for k in thresholds]
    return [f"threshold {t:.4g}" for t in thresholds]


def _is_sweep(run: Run) -> bool:
    """The settings of a sweep are numbered from 1 up; thresholds are below 1."""
    return bool(next(iter(run.counts.values())).thresholds[0] >= 1)


def _rounded(values: ArrayLike) -> Any:
    return np.round(np.asarray(values, np.float64), 5).tolist()


# Images


def _choose(runs: list[Run], dataset: Dataset, n_images: int) -> Shown:
    """Choose the runs that have maps, and images spread over the ranks of the best run's F."""
    found = [(run, saved_maps(run)) for run in runs]
    found.sort(key=lambda pair: -summarize(pair[0].counts).ods.f)
    lacking = [run.name for run, maps in found if not maps]
    found = [(run, maps) for run, maps in found if maps]
    if not found:
        raise UserError("page: no maps saved in these runs, so there are no pictures to show; leave out --data")
    ids = [i for i in found[0][0].records if all(i in run.records for run, _ in found)]
    missing = sorted(set(ids) - set(dataset.ids))
    if missing or not ids:
        what = f"no image for {len(missing)} id(s): {listing(missing)}" if missing else "the runs share no image"
        raise UserError(f"--data: {what}; another data set or split than the runs'?")
    f = {i: pr_curve(found[0][0].counts[i]).f.max() for i in ids}
    ranked = sorted(ids, key=lambda i: (f[i], i))
    places = np.unique(np.rint(np.linspace(0, len(ids) - 1, min(n_images, len(ids)))).astype(int))
    best = found[0][0].name
    note = f"{len(places)} of {len(ids)} images, from the worst to the best by {best}’s best F on each."
    note += f" No maps are saved of {listing(lacking)}." if lacking else ""
    return Shown([r for r, _ in found], [m for _, m in found], {ranked[p]: int(p) + 1 for p in places}, note)


def _browser_html(shown: Shown) -> str:
    swatch = '<span class="key"><svg viewBox="0 0 1 1" aria-hidden="true"><rect width="1" height="1" fill="#{}"/></svg>'
    keys = [swatch.format(bytes(colour).hex()) + f" {name}</span>" for name, colour in KINDS.items()]
    return Template(_part("browser.html")).substitute(note=escape(shown.note), key=" ".join(keys))


def _browser(shown: Shown, dataset: Dataset) -> dict[str, Any]:
    detectors = []
    for run in shown.runs:
        names, start = _stop_names(run), _overall_best(run)
        stops = [names[k] for k in _stops(run)]
        detectors.append({"name": run.name, "stops": stops, "start": start, "sweep": _is_sweep(run)})
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
        "photo": _jpeg(image),
        "truth": _png(truth.sum(axis=0), [(grey,) * 3 for grey in levels]),
        "made": [_made_of(*pair, image_id, truth) for pair in zip(shown.runs, shown.maps, strict=True)],
    }


def _made_of(run: Run, maps: dict[str, Path], image_id: str, truth: NDArray[np.bool_]) -> dict[str, Any]:
    """Return one detector's map of an image, its scores at each stop, and its matches at some of them."""
    prediction = read_saved(run, maps, image_id)
    counts = run.counts[image_id].at(_stops(run))
    curve, nms = pr_curve(counts), run.meta["protocol"].get("nms")
    soft = counted_map(prediction, nms)
    levels = np.linspace(0, 1, len(counts.thresholds) + 1)[1:] if _is_sweep(run) else counts.thresholds
    # the number of stops that a pixel reaches: binarised at a stop, it is exact
    steps = np.searchsorted(levels, soft.astype(np.float64) + (1e-6 if _is_sweep(run) else 0), side="right")
    palette = [(0, 0, 0, 0), *((*colour, 255) for colour in KINDS.values())]
    drawn = _drawn_stops(curve.f, counts.sum_p, _overall_best(run))
    counted, protocol = prediction if isinstance(prediction, Sweep) else soft, run_protocol(run)
    found = [match_pixels(counted, truth, float(counts.thresholds[stop]), protocol) for stop in drawn]
    return {
        "map": _png(steps, [(grey,) * 3 for grey in range(len(levels) + 1)]),
        "precision": _rounded(curve.precision),
        "recall": _rounded(curve.recall),
        "f": _rounded(curve.f),
        "drawn": drawn,
        # all in one picture, their first rows first, then their second rows …: neighbours are alike, and so it is small
        "matches": _png(np.stack(list(map(match_kinds, found)), axis=1).reshape(-1, truth.shape[2]), palette),
    }


def _drawn_stops(f: NDArray, predicted: NDArray, overall: int) -> list[int]:
    """Choose stops for match pictures: where F is at least half its best, with the best of the image and of all."""
    if len(f) <= MOST_PICTURES:
        return list(range(len(f)))
    useful = np.flatnonzero((f >= f.max() / 2) & (predicted > 0))
    ends = (useful[0], useful[-1]) if len(useful) else (0, len(f) - 1)
    even = np.rint(np.linspace(*ends, MOST_PICTURES - 2)).astype(int).tolist()
    return sorted({*even, int(np.argmax(f)), overall})


# Pictures


def _jpeg(image: NDArray[np.uint8]) -> str:
    import imageio.v3 as iio

    return _data_uri("jpeg", iio.imwrite("<bytes>", image, extension=".jpg", quality=JPEG_QUALITY))


def _png(indices: NDArray, palette: list[tuple[int, ...]]) -> str:
    """Encode an (H, W) array of colours' numbers with as few bits as the palette needs; RGBA sets transparency."""
    height, width = indices.shape
    bits = next(b for b in (1, 2, 4, 8) if len(palette) <= 2**b)
    padded = np.pad(indices.astype(np.uint8), ((0, 0), (0, -width % (8 // bits))))
    shifts = np.arange(8 - bits, -1, -bits)
    rows = np.sum(padded.reshape(height, -1, 8 // bits) << shifts, axis=2, dtype=np.uint64).astype(np.uint8)
    above = np.diff(rows, axis=0, prepend=np.zeros_like(rows[:1]))  # filter 2, "up"; uint8 wraps around as it should
    filtered = [np.insert(values, 0, kind, axis=1) for kind, values in ((0, rows), (2, above))]
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, bits, 3, 0, 0, 0),
        b"PLTE": bytes(np.array(palette, np.uint8)[:, :3]),
    }
    if len(palette[0]) == 4:
        chunks[b"tRNS"] = bytes(colour[3] for colour in palette)
    chunks[b"IDAT"] = min((zlib.compress(values.tobytes(), 9) for values in filtered), key=len)
    chunks[b"IEND"] = b""
    blocks = [struct.pack(">I", len(v)) + k + v + struct.pack(">I", zlib.crc32(k + v)) for k, v in chunks.items()]
    return _data_uri("png", b"\x89PNG\r\n\x1a\n" + b"".join(blocks))


def _data_uri(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
