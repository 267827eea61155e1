"""What each part of the neural field's method is worth, on BSDS500 val: one part changed at a time, three seeds.

    python -m contourbench.bench.studies.ablation --data BSDS500 --out results/research [--workers 2] [--cache FOLDER]

Writes ``ablation.md`` and ``ablation.csv``. A field is fitted once per image and seed and shared by all variants of the
heads and the read-out, as only the reconstruction reaches it. Fields and counts are kept in ``--cache``: what is there
is not computed again.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...baselines.gradient import image_gradient, sobel
from ...baselines.half_discs import mean_difference, smooth_along
from ...cnf_contours.config import CNF, CnfConfig, FieldConfig
from ...cnf_contours.contours.feature_axes import steady_axes
from ...cnf_contours.contours.pipeline import read_contours, scale_generators, segment_image, working_radii
from ...cnf_contours.devices import one_thread
from ...cnf_contours.fitting import Fitted, fit_fields_in_stages
from ...cnf_contours.images import enlarge, lab, working_image
from ...cnf_contours.losses import reconstruction_loss
from ...eval.counting import BoundaryCounts, count_map
from ...eval.hashing import digest
from ...eval.metrics import summarize
from ...eval.oriented import thin_oriented
from ...eval.suppression import suppress
from ...eval.uncertainty import compare
from ..cli.messages import show_messages
from ..datasets.opening import open_dataset
from ..errors import note
from ..files.arrays import read_npz, write_npz
from ..files.atomic import write_text
from ..runs.workers import Workers

if TYPE_CHECKING:
    from torch import Tensor

EVERY = 10  # of the sorted val ids, as in the prototype's measurements
SEEDS = (0, 1, 2)
STRONG = 80  # Lab distance of the two sides of strong contours
THESIS = {"source": "features", "readout": "neighbour", "heads": 32}
# Fields by what distinguishes them: the values, and the iterations at which they are looked at.
FIELDS: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "usual": ({}, (100, 200, 400)),
    "longer": ({}, (800,)),
    "xy": ({"octaves": 0}, (400,)),
    "quarter": ({"resolution": 0.25}, (400,)),
    "full": ({"resolution": 1.0}, (400,)),
    "thesis": ({"octaves": 0, "filters": 64}, (200, 400)),
}


@dataclass(frozen=True)
class Variant:
    """One row: what it changes, which field it takes and when, what it sets for heads and read-out."""

    part: str
    label: str
    values: Mapping[str, Any] = field(default_factory=dict)
    of: str = "usual"
    after: int = 400
    steady: int = 0  # distance of the pairs of `steady_axes` of the features, in working pixels; 0 for the features

    @property
    def name(self) -> str:
        return f"{self.part}: {self.label}"

    def config(self, seed: int) -> CnfConfig:
        return CNF.changed(**{**FIELDS[self.of][0], **self.values, "iterations": self.after, "seed": seed})


DEFAULT = Variant("default", "cnf")
VARIANTS = (
    DEFAULT,
    *(Variant("heads", f"N = {n}", {"heads": n}) for n in (4, 16, 256)),
    *(Variant("sharpness", f"{value:g}", {"sharpness": value}) for value in (0.25, 4.0, 16.0)),
    *(Variant("field iterations", str(n), after=n) for n in (100, 200)),
    Variant("field iterations", "800", of="longer", after=800),
    Variant("distillation", "off", {"distillation": 0.0}),
    Variant("distillation", "weight 0.1", {"distillation": 0.1}),
    Variant("distillation", "weight 10", {"distillation": 10.0}),
    Variant("distillation", "from the start", {"distillation_start": 0.0}),
    Variant("distillation", "from 9/10", {"distillation_start": 0.9}),
    Variant("final head", "centred", {"output": "final"}),
    Variant("final head", "not centred", {"output": "final", "centring": False}),
    Variant("coordinates", "x, y alone", of="xy"),
    Variant("layers", "L = 3", {"layers": 3}),
    Variant("layers", "L = 4", {"layers": 4}),
    Variant("resolution", "1/4", of="quarter"),
    Variant("resolution", "1", of="full"),
    Variant("heads see", "features", {"source": "features"}),
    *(Variant("heads see", f"3 steady axes of them, {d} px", {"source": "features"}, steady=d) for d in (4, 8, 16)),
    Variant("heads see", "pixels (no field)", {"source": "pixels"}),
    Variant("read-out", "neighbours", {"readout": "neighbour"}),
    Variant("read-out", "neighbours, sharpness 16", {"readout": "neighbour", "sharpness": 16.0}),
    Variant("thesis", "cnf(thesis)", THESIS, "thesis"),
    Variant("thesis", "200 iterations", THESIS, "thesis", 200),
    *(Variant("thesis", f"L = {n}", {**THESIS, "layers": n}, "thesis") for n in (3, 4)),
    Variant("thesis", "distillation off", {**THESIS, "distillation": 0.0}, "thesis"),
    Variant("thesis", "sharpness 16", {**THESIS, "sharpness": 16.0}, "thesis"),
    Variant("thesis", "half-disc read-out", {**THESIS, "readout": "disc"}, "thesis"),
)
ONE_SEED = ("heads: N = 256", "resolution: 1", "field iterations: 800", "thesis: ")  # beginnings; too dear for three
CONTROLS = (
    "control: Lab gradient, sigma 2",
    "control: gradient of the reconstruction, sigma 2",
    "control: half-disc difference of mean Lab, no heads",
)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="contourbench.bench.studies.ablation", description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", type=Path, default=Path("results/research"))
    parser.add_argument("--cache", type=Path, default=Path("results/research/cache"))
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args(arguments)
    show_messages()
    ids = open_dataset(options.data, "val").ids[::EVERY]
    # The first seed, then the others image by image: the table can be made before all is done.
    items = [f"{SEEDS[0]} {image_id}" for image_id in ids]
    items += [f"{seed} {image_id}" for image_id in ids for seed in SEEDS[1:]]
    with Workers(options.workers) as workers:
        work = partial(measure, data=options.data, cache=options.cache)
        for done, _ in enumerate(workers.map(work, items), start=1):
            note(f"{done} of {len(items)} images and seeds")
    text, csv = tables(options.cache, ids)
    write_text(options.out / "ablation.md", text)
    write_text(options.out / "ablation.csv", csv)


def measure(item: str, data: str, cache: Path) -> None:
    """Count all variants on one image with one seed and keep the counts."""
    seed, image_id = item.split()
    dataset = open_dataset(data, "val")
    image, truth = dataset.image(image_id), dataset.ground_truth(image_id)
    path = cache / f"counts-{seed}-{image_id}.npz"
    counted = read_npz(path) if path.exists() else {}
    with one_thread():
        for name, contour_map in _maps(image, int(seed), cache, set(counted)):
            counted[name] = packed(count_map(contour_map, truth))
            write_npz(path, counted)


def _maps(
    image: NDArray[np.uint8], seed: int, cache: Path, done: set[str]
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    for of in FIELDS:
        for variant in VARIANTS:
            if variant.of == of and variant.name not in done and (seed == 0 or not variant.name.startswith(ONE_SEED)):
                yield variant.name, _contours(image, variant, seed, cache)
    lab, reconstruction, halves = CONTROLS
    if lab not in done:
        yield lab, sobel(image, sigma=2, space="lab", nms=True)
    if reconstruction not in done:
        yield reconstruction, _reconstruction_gradient(image, seed, cache)
    if halves not in done:
        yield halves, _without_heads(image)


def _contours(image: NDArray[np.uint8], variant: Variant, seed: int, cache: Path) -> NDArray[np.float32]:
    """As `cnf_contours.contours.detectors.detect`, with the fields from the cache."""
    from torch import device, from_numpy

    config = variant.config(seed)

    def fit(targets: "Tensor", field: FieldConfig, *_: Any) -> Fitted:
        found = _fitted(targets, variant.of, config.changed(layers=field.layers), cache)
        if not variant.steady:
            return found
        features, colours = found.features[0].numpy(), lab(found.reconstruction)[0].numpy()
        return found._replace(features=from_numpy(steady_axes(features, colours, variant.steady))[None])

    return read_contours(segment_image(image, config, device("cpu"), fit=fit), config, image.shape[:2])


def _fitted(target: "Tensor", of: str, scale: CnfConfig, cache: Path) -> Fitted:
    """Return the field of one image, (1, 3, h, w), after its iterations at this scale; all stages of it are kept."""
    from torch import device, from_numpy

    def path(after: int) -> Path:
        values = {**FIELDS[of][0], "layers": scale.field.layers, "seed": scale.seed, "iterations": after}
        return cache / "fields" / f"{digest(target[0].numpy(), repr(sorted(values.items())))[:24]}.npz"

    wanted = path(scale.field.iterations)
    if not wanted.exists():
        started = process_time()
        noise = scale_generators(scale, device("cpu"))[:1]
        for after, fitted in fit_fields_in_stages(target, scale.field, noise, FIELDS[of][1]):
            write_npz(
                path(after),
                {
                    "features": fitted.features[0].numpy(),
                    "reconstruction": fitted.reconstruction[0].numpy(),
                    "loss": reconstruction_loss(fitted.reconstruction, target)[0].numpy(),
                    "seconds": np.array(process_time() - started),
                },
            )
    kept = read_npz(wanted)
    return Fitted(*(from_numpy(kept[name])[None] for name in ("features", "reconstruction")))


def _reconstruction_gradient(image: NDArray[np.uint8], seed: int, cache: Path) -> NDArray[np.float32]:
    """Lab gradient of what the usual fields of three and four layers output, at the image's size; their mean."""
    maps = []
    for layers in (3, 4):
        scale = CNF.changed(layers=layers, seed=seed)
        target = working_image(image, scale.resolution)[None]
        colours = _fitted(target, "usual", scale, cache).reconstruction[0].clamp(0, 1)
        large = enlarge(colours, image.shape[:2]).numpy()
        pixels = np.round(255 * np.moveaxis(large, 0, 2)).astype(np.uint8)
        maps.append(image_gradient(pixels, 2.0, "lab"))
    strength = (maps[0].magnitude + maps[1].magnitude) / 2
    return np.minimum(suppress(strength, maps[1].direction), 1).astype(np.float32)


def _without_heads(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The read-out on Lab itself: distances of the means of half discs, smoothed and thinned as for the heads."""
    from torch import from_numpy

    own, resolution = CNF.readout, CNF.resolution
    planes = lab(working_image(image, resolution)).permute(1, 2, 0).numpy()
    oriented = smooth_along(
        mean_difference(planes, working_radii(own.radii, resolution)),
        own.half_length * resolution,
        own.half_width * resolution,
    )
    full = enlarge(from_numpy(oriented), image.shape[:2]).numpy()
    return np.clip(thin_oriented(full) / STRONG, 0, 1).astype(np.float32)


def packed(counts: BoundaryCounts) -> NDArray[np.float64]:
    """Return counts as one (5, K) array."""
    return np.stack([counts.cnt_r, counts.sum_r, counts.cnt_p, counts.sum_p, counts.thresholds])


def unpacked(array: NDArray[np.float64]) -> BoundaryCounts:
    return BoundaryCounts(*array[:4].astype(np.int64), array[4])


def tables(cache: Path, ids: Sequence[str]) -> tuple[str, str]:
    """Return the table as Markdown and as csv, from the counts in ``cache``.

    Scores are of the first seed on all images that have been counted, the spread over seeds is of those that all have.
    """
    files = {(seed, i): cache / f"counts-{seed}-{i}.npz" for seed in SEEDS for i in ids}
    counted = {key: read_npz(path) if path.exists() else {} for key, path in files.items()}
    markdown, csv = [], ["part,setting,images,ods,ois,ap,r50,d_ods,d_low,d_high,seed_images,ods_sd,ois_sd,ap_sd,r50_sd"]
    used, shared = set(), set()
    for name in [variant.name for variant in VARIANTS] + list(CONTROLS):
        part, label = name.split(": ", 1)
        images = [i for i in ids if {name, DEFAULT.name} <= set(counted[SEEDS[0], i])]
        if not images:
            continue
        ours, base = ({i: unpacked(counted[SEEDS[0], i][n]) for i in images} for n in (name, DEFAULT.name))
        scores, difference = _scores(ours), compare(ours, base)["ods"][:3]
        common = [i for i in images if all(name in counted[seed, i] for seed in SEEDS)]
        runs = [_scores({i: unpacked(counted[seed, i][name]) for i in common}) for seed in SEEDS] if common else []
        spread = np.std(runs, axis=0, ddof=1) if runs else np.full(4, np.nan)
        cells = [f"{x:.3f}" + ("" if np.isnan(sd) else f" ± {sd:.3f}") for x, sd in zip(scores, spread, strict=True)]
        delta = "–" if name == DEFAULT.name else "{:+.3f} [{:+.3f}, {:+.3f}]".format(*difference)
        markdown.append("| " + " | ".join([part, label, *cells, delta]) + " |")
        numbers = [f"{x:.4f}" for x in (*scores, *difference)]
        spreads = ["" if np.isnan(x) else f"{x:.4f}" for x in spread]
        csv.append(",".join([part, f'"{label}"', str(len(images)), *numbers, str(len(common)), *spreads]))
        used.add(len(images))
        shared.add(len(common))
    head = HEAD.format(n=_span(used), shared=_span(shared - {0}), seeds=len(SEEDS))
    return head + "\n" + "\n".join(markdown) + "\n", "\n".join(csv) + "\n"


def _scores(counts: Mapping[str, BoundaryCounts]) -> tuple[float, float, float, float]:
    found = summarize(counts)
    return found.ods.f, found.ois.f, found.ap, found.r50


def _span(numbers: set[int]) -> str:
    return " to ".join(str(n) for n in sorted({min(numbers), max(numbers)})) if numbers else "none"


HEAD = """# What each part of the CNF is worth

BSDS500 val, {n} images (of every tenth id), one seed; ± is the standard deviation over {seeds} seeds, {shared} images;
where it is missing, one seed was run. One part of `cnf` is changed at a time; `thesis` rows start from `cnf(thesis)`.
Last column: ODS less the default's, with the interval of the paired bootstrap over images. No map is divided by its own
mean or maximum. Made by `python -m contourbench.bench.studies.ablation`.

| part | setting | ODS | OIS | AP | R50 | ODS − default |
| --- | --- | --- | --- | --- | --- | --- |"""


if __name__ == "__main__":
    main()
