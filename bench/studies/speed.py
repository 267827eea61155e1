r"""How fast counting is: ratios to the reference, measured side by side, and growth with the work.

    python -m contourbench.bench.studies.speed --data BSDS500 --sample bsds_bench_sample --reference PYTHON \
        --out results/speed

``PYTHON`` is the interpreter of an environment with pyEdgeEval 0.2.8, which wraps the official C++ matcher. Both sides
count the same maps of the same images on one core, one after the other: 99 thresholds, all annotators, thinning
included. Writes ``speed.md`` and ``speed.json`` with all figures and ``growth.png``.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...baselines.gradient import sobel
from ...eval.counting import count_map
from ...eval.protocol import BoundaryProtocol
from ..cli.messages import show_messages
from ..datasets.base import Dataset
from ..datasets.ground_truth import read_truth
from ..datasets.opening import open_dataset
from ..errors import note
from ..files.atomic import write_json, write_text
from ..files.predictions import find_predictions, read_prediction

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
import re, sys, time, numpy as np
from pathlib import Path
from contourbench.eval import count_map
data = np.load(sys.argv[1])
count_map(data["map"][:40, :40], data["truth"][:, :40, :40])
started = time.perf_counter()
count_map(data["map"], data["truth"])
seconds = time.perf_counter() - started
peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]  # Linux alone
print(int(peak) / 1000, seconds)
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
        cases.append(Case("thin map", image_id, sobel(image, 2.0, "lab", True), truth))
    for image_id, path in list(find_predictions(sample / "ucm2").items())[:3]:
        truth = np.stack(read_truth(sample / "groundTruth" / f"{image_id}.mat"))
        cases.append(Case("region hierarchy (ucm2)", image_id, read_prediction(path).contour_map(), truth))
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
        "same_totals": all(np.array_equal(reference[name], getattr(counts, name)) for name in ("sum_r", "sum_p")),
        "cnt_r_more": [int((counts.cnt_r - reference["cnt_r"]).min()), int((counts.cnt_r - reference["cnt_r"]).max())],
        "cnt_p_apart": int(np.abs(counts.cnt_p - reference["cnt_p"]).max()),
    }
    note(f"{case.kind}, {case.id}: {row['reference_seconds']:.1f} s against {ours:.3f} s, ratio {row['ratio']:.0f}")
    return row


def growth(val: Dataset) -> list[dict[str, Any]]:
    """Measure seconds against thresholds, area (at a fixed tolerance in pixels) and annotators, on one image."""
    image, truth = val.image(val.ids[3]), val.ground_truth(val.ids[3])
    layers = np.concatenate([truth, np.roll(truth, 7, axis=1)])[:9]
    rows = []
    for kind, contour_map in (("dense raw gradient", sobel(image)), ("thin map", sobel(image, 2.0, "lab", True))):
        works: list[tuple[str, int, NDArray, NDArray, BoundaryProtocol]] = []
        works += [("thresholds", k, contour_map, truth, BoundaryProtocol(thresholds=k)) for k in (9, 99, 255)]
        for n in (1, 2, 4):
            tiled = np.tile(contour_map, (n, n)), np.tile(truth, (1, n, n))
            works.append(("image area", n * n, *tiled, BoundaryProtocol(max_dist=0.0075 / n)))
        works += [("annotators", g, contour_map, layers[:g], BoundaryProtocol()) for g in (1, 3, 6, 9)]
        for what, n, *arguments in works:
            seconds = best_seconds(lambda given=arguments: count_map(*given), repeats=2)
            rows.append({"kind": kind, "what": what, "n": n, "seconds": seconds})
    return rows


def cold_start() -> dict[str, float]:
    """Measure import and first call with an empty and with a filled compilation cache."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
        runs = [_numbers([sys.executable, "-c", COLD], environment) for _ in range(2)]
    return {"import": runs[1][0], "first_call_compiling": runs[0][1], "first_call_cached": runs[1][1]}


def peaks(cases: list[Case]) -> list[dict[str, Any]]:
    """Measure memory and time of one process at the size of BSDS500, and at 2160x3840 with one annotator."""
    rows = []
    for case in cases:
        tiles = [
            np.tile(a, (*[1] * (a.ndim - 2), 7, 12))[..., :2160, :3840] for a in (case.contour_map, case.truth[:1])
        ]
        for contour_map, truth in ((case.contour_map, case.truth), tiles):
            with tempfile.TemporaryDirectory() as folder:
                given = Path(folder) / "given.npz"
                np.savez(given, map=contour_map, truth=truth)
                peak, seconds = _numbers([sys.executable, "-c", PEAK, str(given)], dict(os.environ))
            size = f"{contour_map.shape[0]}x{contour_map.shape[1]}"
            rows.append(
                {"kind": case.kind, "size": size, "annotators": len(truth), "peak_mb": peak, "seconds": seconds}
            )
            note(f"{case.kind}, {size}: {peak:.0f} MB, {seconds:.1f} s")
    return rows


def whole_split(data: str, workers: int) -> list[dict[str, Any]]:
    """Time the command that scores saved maps of the whole test split, from its start to its end."""
    rows = []
    for kind, detector in (("dense raw gradient", "sobel"), ("thin map", "sobel(sigma=2,space=lab,nms=True)")):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "contourbench"]
            common = ["--data", data, "--split", "test", "--workers", str(workers)]
            subprocess.run([*command, "run", detector, *common, "--out", folder], check=True, capture_output=True)
            score = [*command, "score", f"{folder}/{detector}/maps", *common, "--out", f"{folder}/score"]
            started = time.perf_counter()
            subprocess.run(score, check=True, capture_output=True)
            rows.append({"kind": kind, "workers": workers, "seconds": time.perf_counter() - started})
        note(f"test split, {kind}, {workers} workers: {rows[-1]['seconds']:.1f} s")
    return rows


def table(figures: dict[str, Any]) -> str:
    """Return all figures as markdown."""
    lines = ["| map | images | reference | ours | ratio |", "|---|---:|---:|---:|---:|"]
    for kind in dict.fromkeys(row["kind"] for row in figures["ratios"]):
        rows = [row for row in figures["ratios"] if row["kind"] == kind]
        reference, ours = (median(row[key] for row in rows) for key in ("reference_seconds", "seconds"))
        ratios = [row["ratio"] for row in rows]
        span = f"{min(ratios):.0f}–{max(ratios):.0f}"
        lines.append(f"| {kind} | {len(rows)} | {reference:.1f} s | {ours:.3f} s | {span} |")
    lines += ["", "| whole test split | workers | seconds |", "|---|---:|---:|"]
    lines += [f"| {row['kind']} | {row['workers']} | {row['seconds']:.1f} |" for row in figures["split"]]
    lines += ["", "| one process | size | annotators | peak memory | seconds |", "|---|---|---:|---:|---:|"]
    lines += [
        f"| {row['kind']} | {row['size']} | {row['annotators']} | {row['peak_mb']:.0f} MB | {row['seconds']:.2f} |"
        for row in figures["peaks"]
    ]
    lines += ["", "| growth | map | seconds |", "|---|---|---|"]
    for what, kind in dict.fromkeys((row["what"], row["kind"]) for row in figures["growth"]):
        rows = [row for row in figures["growth"] if (row["what"], row["kind"]) == (what, kind)]
        lines.append(f"| {what} | {kind} | " + ", ".join(f"{row['n']}: {row['seconds']:.3f}" for row in rows) + " |")
    cold = figures["cold_start"]
    lines += [
        "",
        f"Import {cold['import']:.1f} s; first call {cold['first_call_compiling']:.1f} s while compiling, once,",
    ]
    lines.append(f"and {cold['first_call_cached']:.1f} s from the cache afterwards.")
    return "\n".join(lines) + "\n"


def draw_growth(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw seconds against the amount of work, doubly logarithmic, with the slope of linear growth beside it."""
    from ..report.figures import COLOURS, figure_style, new_figure, save_figure

    with figure_style():
        whats = list(dict.fromkeys(row["what"] for row in rows))
        figure, all_axes = new_figure((7.5, 3.0), columns=len(whats))
        for axes, what in zip(all_axes, whats, strict=True):
            for colour, kind in zip(COLOURS, dict.fromkeys(row["kind"] for row in rows), strict=False):
                n, seconds = np.array(
                    [(r["n"], r["seconds"]) for r in rows if (r["what"], r["kind"]) == (what, kind)]
                ).T
                axes.loglog(n, seconds, "o-", color=colour, label=kind)
                axes.loglog(n, seconds[0] * n / n[0], ":", color=colour, lw=0.8)
            axes.set_xticks(n, [f"{value:g}" for value in n])
            axes.xaxis.set_minor_formatter("")
            axes.set(xlabel=what, ylabel="seconds (dotted: linear)")
            axes.yaxis.set_minor_formatter("")
        figure.legend(*all_axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
        save_figure(figure, path)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure everything and write it."""
    parser = argparse.ArgumentParser(prog="contourbench.bench.studies.speed", description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, help="BSDS500")
    parser.add_argument("--sample", required=True, type=Path, help="bsds_bench_sample, with ucm2/ and groundTruth/")
    parser.add_argument("--reference", required=True, help="Python of an environment with pyEdgeEval 0.2.8")
    parser.add_argument("--out", type=Path, default=Path("results/speed"))
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    show_messages()
    val = open_dataset(options.data, "val")
    cases = collect_cases(val, options.sample)
    count_map(cases[0].contour_map[:40, :40], cases[0].truth[:, :40, :40])
    figures = {
        "ratios": [compare(case, options.reference) for case in cases],
        "growth": growth(val),
        "cold_start": cold_start(),
        "peaks": peaks([cases[0], cases[-1]]),
        "split": whole_split(options.data, options.workers),
    }
    write_json(options.out / "speed.json", figures)
    write_text(options.out / "speed.md", table(figures))
    draw_growth(figures["growth"], options.out / "growth.png")
    print(table(figures))


def _numbers(command: list[str], environment: dict[str, str]) -> list[float]:
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return [float(word) for word in done.stdout.split()]


if __name__ == "__main__":
    main()
