"""How fast counting is: ratios to the reference, measured side by side, and growth with the work.

    python -m contourbench.bench.speed --data BSDS500 --sample bsds_bench_sample --reference PYTHON --out results/speed

``PYTHON`` is the interpreter of an environment with pyEdgeEval 0.2.8, which wraps the official C++ matcher. Both sides
count the same maps of the same images on one core, one after the other: 99 thresholds, all annotators, thinning
included. Writes ``speed.md`` and ``speed.json`` with all figures and ``growth.png``.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..baselines.gradient import sobel
from ..eval.counting import count_map
from ..eval.protocol import BoundaryProtocol
from .datasets import Dataset, read_truth
from .predictions import find_predictions, read_prediction
from .progress import note

REFERENCE = """
import sys, time, numpy as np
from pyEdgeEval.common.binary_label import evaluate_boundaries_threshold_multiple_gts as evaluate
data = np.load(sys.argv[1])
started = time.perf_counter()
counts = evaluate(np.linspace(0.01, 0.99, 99), data["map"], list(data["truth"].astype(np.uint8)))
seconds = time.perf_counter() - started
np.savez(sys.argv[2], seconds=seconds, cnt_r=counts[0], sum_r=counts[1], cnt_p=counts[2], sum_p=counts[3])
"""
COLD = """
import sys, time, numpy as np
started = time.perf_counter()
from contourbench.eval import count_map
imported = time.perf_counter()
count_map(np.random.rand(40, 50), np.random.rand(2, 40, 50) > 0.9)
print(imported - started, time.perf_counter() - imported)
"""
PEAK = """
import sys, resource, time, numpy as np
from contourbench.eval import count_map
data = np.load(sys.argv[1])
count_map(data["map"][:40, :40], data["truth"][:, :40, :40])
started = time.perf_counter()
count_map(data["map"], data["truth"])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000, time.perf_counter() - started)
"""
ONE_CORE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class Case(NamedTuple):
    """One map and its ground truth."""

    kind: str
    id: str
    contour_map: NDArray
    truth: NDArray[np.bool_]


def collect_cases(val: Dataset, sample: Path) -> list[Case]:
    """Return three images of each kind: dense gradients, thin maps, and the official sample's hierarchies."""
    cases = []
    for image_id in (val.ids[3], val.ids[40], val.ids[77]):
        image, truth = val.image(image_id), val.ground_truth(image_id)
        cases.append(Case("dense raw gradient", image_id, sobel(image), truth))
        cases.append(Case("thin map after suppression", image_id, sobel(image, 2.0, "lab", True), truth))
    for image_id, path in list(find_predictions(sample / "ucm2").items())[:3]:
        truth = np.stack(read_truth(sample / "groundTruth" / f"{image_id}.mat"))
        cases.append(Case("region hierarchy (ucm2)", image_id, read_prediction(path), truth))
    return sorted(cases, key=lambda case: case.kind)


def best_seconds(work: Callable[[], Any], repeats: int = 3) -> float:
    """Return the least time that ``work`` took."""
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return min(taken)


def compare(case: Case, python: str) -> dict[str, Any]:
    """Count one case with the reference and with ours, and see by how many pixels they differ."""
    with tempfile.TemporaryDirectory() as folder:
        given, result = Path(folder) / "given.npz", Path(folder) / "result.npz"
        np.savez(given, map=case.contour_map, truth=case.truth)
        environment = {**os.environ, **ONE_CORE}
        subprocess.run([python, "-c", REFERENCE, given, result], check=True, capture_output=True, env=environment)
        reference = dict(np.load(result))
    ours = best_seconds(lambda: count_map(case.contour_map, case.truth))
    counts = count_map(case.contour_map, case.truth)
    row = {
        "kind": case.kind,
        "id": case.id,
        "annotators": len(case.truth),
        "reference_seconds": float(reference["seconds"]),
        "seconds": ours,
        "ratio": float(reference["seconds"]) / ours,
        "same_totals": bool(np.all(reference["sum_p"] == counts.sum_p) and np.all(reference["sum_r"] == counts.sum_r)),
        "more_cnt_r": [
            int(x) for x in (np.min(counts.cnt_r - reference["cnt_r"]), np.max(counts.cnt_r - reference["cnt_r"]))
        ],
        "most_cnt_p_apart": int(np.abs(counts.cnt_p - reference["cnt_p"]).max()),
    }
    note(f"{case.kind}, {case.id}: {row['reference_seconds']:.1f} s against {ours:.3f} s, ratio {row['ratio']:.0f}")
    return row


def growth(val: Dataset) -> dict[str, list[dict[str, float]]]:
    """Measure seconds against thresholds, area (at a fixed tolerance in pixels) and annotators, on one image each."""
    image, truth = val.image(val.ids[3]), val.ground_truth(val.ids[3])
    maps = {"dense raw gradient": sobel(image), "thin map after suppression": sobel(image, 2.0, "lab", True)}
    layers = np.concatenate([truth, np.roll(truth, 7, axis=1)])[:9]
    measured: dict[str, list[dict[str, float]]] = {}
    for kind, contour_map in maps.items():
        rows = []
        for k in (9, 99, 255):
            protocol = BoundaryProtocol(thresholds=k)
            rows.append({"what": "thresholds", "n": k, "seconds": _seconds(contour_map, truth, protocol)})
        for times in (1, 2, 4):
            protocol = BoundaryProtocol(max_dist=0.0075 / times)
            tiled, tiled_truth = np.tile(contour_map, (times, times)), np.tile(truth, (1, times, times))
            rows.append({"what": "area", "n": times**2, "seconds": _seconds(tiled, tiled_truth, protocol)})
        for g in (1, 3, 6, 9):
            rows.append(
                {"what": "annotators", "n": g, "seconds": _seconds(contour_map, layers[:g], BoundaryProtocol())}
            )
        measured[kind] = rows
    return measured


def _seconds(contour_map: NDArray, truth: NDArray, protocol: BoundaryProtocol) -> float:
    return best_seconds(lambda: count_map(contour_map, truth, protocol), repeats=2)


def cold_start() -> dict[str, float]:
    """Measure import and first call with an empty and with a filled compilation cache."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
        runs = []
        for _ in range(2):
            done = subprocess.run(
                [sys.executable, "-c", COLD], check=True, capture_output=True, text=True, env=environment
            )
            runs.append([float(word) for word in done.stdout.split()])
    return {"import": runs[1][0], "first_call_compiling": runs[0][1], "first_call_cached": runs[1][1]}


def peaks(case: Case) -> list[dict[str, Any]]:
    """Measure memory and time of one process at the size of BSDS500 and at 2160x3840, with one annotator there."""
    rows = []
    large = [np.tile(a, (*[1] * (a.ndim - 2), 7, 8))[..., :2160, :3840] for a in (case.contour_map, case.truth[:1])]
    for contour_map, truth in ((case.contour_map, case.truth), large):
        with tempfile.TemporaryDirectory() as folder:
            given = Path(folder) / "given.npz"
            np.savez(given, map=contour_map, truth=truth)
            done = subprocess.run([sys.executable, "-c", PEAK, given], check=True, capture_output=True, text=True)
        peak, seconds = (float(word) for word in done.stdout.split())
        size = f"{contour_map.shape[0]}x{contour_map.shape[1]}"
        rows.append({"kind": case.kind, "size": size, "annotators": len(truth), "peak_mb": peak, "seconds": seconds})
    return rows


def whole_split(data: str, workers: int) -> list[dict[str, Any]]:
    """Time the command that scores saved maps of the whole test split, start of the workers included."""
    rows = []
    for kind, detector in (
        ("dense raw gradient", "sobel"),
        ("thin map after suppression", "sobel(sigma=2, space=lab, nms=True)"),
    ):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "contourbench.bench.cli_main"]
            common = ["--data", data, "--workers", str(workers)]
            subprocess.run(
                [*command, "run", detector, *common, "--out", f"{folder}/run"], check=True, capture_output=True
            )
            (maps,) = Path(folder, "run").glob("*/maps")
            started = time.perf_counter()
            subprocess.run(
                [*command, "score", maps, *common, "--out", f"{folder}/score"], check=True, capture_output=True
            )
            rows.append({"kind": kind, "workers": workers, "seconds": time.perf_counter() - started})
            note(f"test split, {kind}, {workers} workers: {rows[-1]['seconds']:.1f} s")
    return rows
