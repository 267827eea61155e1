"""How runs grow with workers: measured from one to two and on a Dask cluster, reckoned from there to 256.

    python -m contourbench.bench.studies.scaling --data BSDS500 --out results/scaling

A cheap and a dear detector are run and scored on val images, by one and by two processes in turn and by a local Dask
cluster of two. Wall seconds depend on what else the machine does; CPU seconds, of all processes together, hardly do.
What a worker spends on an image besides detecting and counting (reading, hashing, writing) is the overhead. The seconds
of the other detectors are those that their committed runs on BSDS500 test took. Writes ``scaling.md`` and
``scaling.json``.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

from ..cli.messages import show_messages
from ..errors import note
from ..files.atomic import write_json, write_text
from ..methods.names import SOFT_OF
from ..runs.results import find_runs, load_meta

CHEAP, DEAR = "sobel", "felzenszwalb"
WORKERS = (1, 8, 64, 256)
BSDS_PIXELS = 481 * 321
REPEATS = 2
MEASURED = """Measured: the better of two, 1 and 2 workers in turn; seconds by the clock, and in brackets CPU seconds of
all processes. The {cores} cores were shared with other work: the load average was {load_before:.1f} before and
{load_after:.1f} after, our own processes included. Seconds by the clock are therefore above, and their ratio is below,
what a machine of one's own gives. CPU seconds are nearly free of that: those of `run`, less those of a run with one
image per worker, say what two workers would gain with both cores to themselves.
"""
ASSUMED = """Reckoned for N workers: start ({start:.1f} s) + the larger of images × (seconds × area + overhead) / N and
the longest image. Assumed: a core per worker, each as fast as here; images independent; {overhead:.2f} s of overhead
per image; seconds in proportion to the image's area, those of the longest image likewise; detectors one after the
other, so that each waits for its longest image; a file system and a scheduler that keep up. Seconds per image, counting
included, are those of the committed runs on BSDS500 test, which shared two cores with other work: rather too many.
"""


class Split(NamedTuple):
    """A split of a data set that papers report."""

    name: str
    images: int
    pixels: int


SPLITS = (
    Split("BSDS500 test", 200, BSDS_PIXELS),
    Split("NYUDv2 test", 654, 560 * 425),
    Split("Multicue test", 20, 1280 * 720),
    Split("BIPED test", 50, 1280 * 720),
)


class Cost(NamedTuple):
    """Seconds of a detector on an image of BSDS500, counting included: the mean, and the longest."""

    detector: str
    mean: float
    longest: float


class Timing(NamedTuple):
    """What a command took, and what its workers say of detecting and counting."""

    wall: float
    cpu: float
    work: float


def timed(command: list[str], out: Path) -> Timing:
    """Run a command that writes a run to ``out``; CPU seconds are of it and all its processes."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    with process.stderr:
        err = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: {err.decode()}")
    wall = time.perf_counter() - started
    work = sum(sum(steps.values()) for steps in load_meta(out)["seconds"].values())
    return Timing(wall, usage.ru_utime + usage.ru_stime, work)


def measure(detector: str, data: str, images: int, place: Path) -> dict[str, Any]:
    """Time `run` and `score` with one and two processes, in turn, the better of each; and the start-up alone."""
    common = ["--data", data, "--split", "val"]
    program = [sys.executable, "-m", "contourbench"]
    row: dict[str, Any] = {"detector": detector, "images": images}
    maps = place / "kept" / detector / "maps"
    timed([*program, "run", detector, *common, "--limit", str(images), "--out", str(place / "kept")], maps.parent)
    best: dict[str, Timing] = {}
    for turn in range(REPEATS):
        for workers in (1, 2):
            spread = [*common, "--workers", str(workers)]
            for what, count in (("run", images), ("score", images), ("start", workers)):
                out = place / f"{what}{turn}{workers}"
                given = ["score", str(maps)] if what == "score" else ["run", detector]
                folder = out if what == "score" else out / detector
                timing = timed([*program, *given, *spread, "--limit", str(count), "--out", str(out)], folder)
                name = f"{what}_{workers}"
                best[name] = min(best.get(name, timing), timing)
                note(f"{detector}, {what}, {workers} worker(s): {timing.wall:.1f} s, {timing.cpu:.1f} s CPU")
    row |= {name: timing._asdict() for name, timing in best.items()}
    start = best["start_1"].wall - best["start_1"].work
    row["start_seconds"] = start
    for what in ("run", "score"):
        row[f"{what}_overhead"] = max(0.0, (best[f"{what}_1"].wall - start - best[f"{what}_1"].work) / images)
    return row


def measure_cluster(detector: str, data: str, images: int, place: Path) -> Timing:
    """Time `run` on a local Dask cluster of two processes that has already started."""
    import psutil
    from distributed import Client, LocalCluster

    out = place / "dask"
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "local_directory": str(place / "d")}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        workers = [psutil.Process(pid) for pid in client.run(os.getpid).values()]
        before = sum(sum(worker.cpu_times()[:2]) for worker in workers)
        command = [sys.executable, "-m", "contourbench", "run", detector, "--data", data, "--split", "val"]
        spread = ["--limit", str(images), "--scheduler", cluster.scheduler_address, "--out", str(out)]
        timing = timed([*command, *spread], out / detector)
        after = sum(sum(worker.cpu_times()[:2]) for worker in workers)
    return timing._replace(cpu=timing.cpu + after - before)


def committed_costs(results: Path) -> list[Cost]:
    """Return what detectors took per image in finished runs, cheapest first; without those that average a sweep."""
    costs = []
    for folder in find_runs(results):
        meta = load_meta(folder)
        seconds = [sum(steps.values()) for steps in meta["seconds"].values() if {"detect", "count"} <= set(steps)]
        soft = meta["detector"].partition("(")[0] in SOFT_OF
        if not soft and len(seconds) >= 0.9 * len(meta["dataset"]["ids"]):
            costs.append(Cost(meta["detector"], mean(seconds), max(seconds)))
    return sorted(costs, key=lambda cost: cost.mean)


def reckoned(cost: Cost, split: Split, workers: int, overhead: float, start: float) -> float:
    """Return the seconds that a detector takes on a split.

    >>> slow, small = Cost("slow", 10.0, 30.0), Split("small", 100, BSDS_PIXELS)
    >>> reckoned(slow, small, 1, 0.1, 2.0), reckoned(slow, small, 10, 0.1, 2.0), reckoned(slow, small, 1000, 0.1, 2.0)
    (1012.0, 103.0, 32.1)
    """
    size = split.pixels / BSDS_PIXELS
    shared = split.images * (cost.mean * size + overhead) / workers
    return round(start + max(shared, cost.longest * size + overhead), 6)


def table(figures: dict[str, Any]) -> str:
    """Return all figures as markdown."""
    lines = [
        MEASURED.format(**figures),
        "| command | images | 1 worker | 2 workers | ratio | CPU per image, 1 and 2 workers | ratio on free cores"
        " | overhead per image | start |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in figures["measured"]:
        for what in ("run", "score"):
            one, two = row[f"{what}_1"], row[f"{what}_2"]
            alone, beside = (_cpu_per_image(row, workers) for workers in (1, 2))
            free = f"{alone:.2f}, {beside:.2f} s | {2 * alone / beside:.2f}" if what == "run" else "– | –"
            lines.append(
                f"| `{what}`, {row['detector']} | {row['images']} | {_both(one)} | {_both(two)}"
                f" | {one['wall'] / two['wall']:.2f} | {free} | {1000 * row[f'{what}_overhead']:.0f} ms"
                f" | {row['start_seconds']:.1f} s |"
            )
    lines += ["", "| two workers | images | process pool | Dask cluster |", "|---|---:|---:|---:|"]
    for row in figures["measured"]:
        if "dask" in row:
            pool, dask = _both(row["run_2"]), _both(row["dask"])
            lines.append(f"| `run`, {row['detector']} | {row['images']} | {pool} | {dask} |")
    return "\n".join([*lines, "", *_reckoned_tables(figures)]) + "\n"


def _reckoned_tables(figures: dict[str, Any]) -> list[str]:
    overhead, start = figures["overhead"], figures["start"]
    costs = [Cost(**cost) for cost in figures["costs"]]
    heads = " | ".join(f"{n} worker{'s' if n > 1 else ''}" for n in WORKERS)
    lines = [
        ASSUMED.format(start=start, overhead=overhead),
        f"| on BSDS500 test | seconds per image | longest | {heads} |",
        "|---|---:|---:|" + "---:|" * len(WORKERS),
    ]
    for cost in costs:
        times = " | ".join(_span(reckoned(cost, SPLITS[0], n, overhead, start)) for n in WORKERS)
        lines.append(f"| `{cost.detector}` | {cost.mean:.2f} | {cost.longest:.1f} | {times} |")
    lines += ["", f"| all {len(costs)} detectors on | images | {heads} |", "|---|---:|" + "---:|" * len(WORKERS)]
    for split in SPLITS:
        sums = (sum(reckoned(cost, split, n, overhead, start) for cost in costs) for n in WORKERS)
        lines.append(f"| {split.name} | {split.images} | {' | '.join(map(_span, sums))} |")
    whole = (sum(reckoned(cost, split, n, overhead, start) for cost in costs for split in SPLITS) for n in WORKERS)
    return [*lines, f"| all four | {sum(split.images for split in SPLITS)} | {' | '.join(map(_span, whole))} |"]


def _cpu_per_image(row: dict[str, Any], workers: int) -> float:
    """CPU seconds that `run` takes for one image more: all less those of a run with an image per worker."""
    more = row[f"run_{workers}"]["cpu"] - row[f"start_{workers}"]["cpu"]
    return more / (row["images"] - workers)


def _both(timing: dict[str, float]) -> str:
    return f"{timing['wall']:.1f} ({timing['cpu']:.1f})"


def _span(seconds: float) -> str:
    """Return a time as people say it.

    >>> _span(9.4), _span(100), _span(8000), _span(400_000)
    ('9 s', '1.7 min', '2.2 h', '111 h')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    unit, name = (60, "min") if seconds < 3600 else (3600, "h")
    return f"{seconds / unit:.1f} {name}" if seconds / unit < 100 else f"{seconds / unit:.0f} {name}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, reckon and write."""
    parser = argparse.ArgumentParser(prog="contourbench.bench.studies.scaling", description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, help="BSDS500")
    parser.add_argument("--out", type=Path, default=Path("results/scaling"))
    parser.add_argument("--results", type=Path, default=Path("results/bsds500-test"), help="runs on BSDS500 test")
    parser.add_argument("--images", type=int, default=40, help="for the cheap detector")
    parser.add_argument("--dear-images", type=int, default=8, help="for the dear one")
    options = parser.parse_args(arguments)
    show_messages()
    before = os.getloadavg()[0]
    rows = []
    for detector, images in ((CHEAP, options.images), (DEAR, options.dear_images)):
        with tempfile.TemporaryDirectory() as place:
            rows.append(measure(detector, options.data, images, Path(place)))
            rows[-1]["dask"] = measure_cluster(detector, options.data, images, Path(place))._asdict()
    figures = {
        "cores": os.cpu_count(),
        "load_before": before,
        "load_after": os.getloadavg()[0],
        "measured": rows,
        "overhead": max(row["run_overhead"] for row in rows),
        "start": max(row["start_seconds"] for row in rows),
        "costs": [cost._asdict() for cost in committed_costs(options.results)],
    }
    write_json(options.out / "scaling.json", figures)
    write_text(options.out / "scaling.md", table(figures))
    print(table(figures))


if __name__ == "__main__":
    main()
