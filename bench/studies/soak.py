"""Is anything lost or done twice when runs are killed? A hundred kills at random moments, and what is left afterwards.

    python -m contourbench.bench.studies.soak --kills 100 --out results/soak/soak.md

`run` (a contour detector and a sweep) and `score` on the built-in scenes are started with several workers, killed, and
started again until they are done: with SIGINT, SIGTERM and SIGKILL in turn, to the command alone or to its workers as
well, at random points (``--seed``): some while it starts, most after a random image. Of each finished image neither may
the detector be called again nor the record be written again; no process may stay behind; and in the end every file must
be, byte for byte, that of a run that nobody disturbed – all but ``seconds`` and ``finished`` in ``run.json``. Writes a
short table; exit code 1 if anything is wrong.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from numpy.random import RandomState

from ..cli.messages import show_messages
from ..datasets.opening import open_dataset
from ..errors import note
from ..files.atomic import write_text
from ..runs.journal import NAME, id_of, whole_lines

SIGKILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows has none, and no other signals that this study sends
SIGNALS = (signal.SIGINT, signal.SIGTERM, SIGKILL)
TIMES = ("seconds", "finished")  # what may differ in run.json
GONE_SECONDS = 10.0  # within which workers have to have ended after their parent
ANSWER = "the same command goes on from there"
LAST_WORDS = (": scores.json, run.json, ", "curves.png and a folder per detector")
PHASES = ("nothing new yet", "between images", "all images done")
# Two detectors that write down for which image they were called.
DETECTORS = """
import os, time, zlib
import numpy as np

def _note(name, image):
    handle = os.open("calls", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, f"{name} {zlib.crc32(image.tobytes())}\\n".encode())  # in one piece, also beside other processes
    os.close(handle)
    time.sleep(0.05)

def contours(image):
    _note("contours", image)
    return np.abs(np.diff(image[..., 1] / 255, axis=1, prepend=0))

def regions(image):
    _note("regions", image)
    return {"coarse": image[..., 1] // 128, "fine": image[..., 1] // 64}
"""
MODULE = "soaked_edges"


class Finished(NamedTuple):
    """An image whose record is written: how often that is so, and how often the detector was called before."""

    records: int
    calls: int


class Ending(NamedTuple):
    """How a command ended: seconds from its start, from the start of its work and from the signal to its end."""

    killed: bool
    code: int
    seconds: float
    working: float
    answering: float
    err: str
    group: int


@dataclass
class Tally:
    """What has been seen so far; ``faults`` is what must not be."""

    kills: Counter = field(default_factory=Counter)
    slowest: dict[tuple[str, signal.Signals], float] = field(default_factory=dict)
    early: int = 0
    late: int = 0
    completed: int = 0
    kept: int = 0
    files: int = 0
    faults: list[str] = field(default_factory=list)


class Soak:
    """Commands to kill, in a folder of their own."""

    def __init__(self, place: Path, images: int, workers: int, seed: int) -> None:
        self.place, self.random, self.tally = place, RandomState(seed), Tally()
        self.groups: list[int] = []
        (place / f"{MODULE}.py").write_text(DETECTORS, encoding="utf-8")
        dataset = open_dataset("scenes").limit(images)
        self.id_of = {str(zlib.crc32(dataset.image(i).tobytes())): i for i in dataset.ids}
        program = [sys.executable, "-m", "contourbench"]
        common = ["--data", "scenes", "--limit", str(images), "--workers", str(workers), "--thresholds", "19"]
        self.commands = {
            "run": [*program, "run", f"{MODULE}:contours", f"{MODULE}:regions", *common],
            "score": [*program, "score", "maps", *common],
        }
        self.calm: dict[str, dict[str, bytes]] = {}
        self.records: dict[str, list[str]] = {}
        self.usual: dict[str, Ending] = {}

    def undisturbed(self) -> None:
        """Run each command once in peace, for what it writes and how long it takes."""
        for name in self.commands:
            out = self.place / f"calm_{name}"
            ending = self.start(name, out)
            if ending.code:
                raise RuntimeError(f"{name} fails undisturbed: {ending.err}")
            self.calm[name], self.records[name], self.usual[name] = contents(out), records(out), ending
            if name == "run":
                shutil.copytree(out / f"{MODULE}-contours" / "maps", self.place / "maps")

    def start(self, name: str, out: Path, kill: signal.Signals | None = None, whole: bool = False) -> Ending:
        """Start a command and wait for its end, or send it a signal at a random point."""
        images, moment = self._point(name, out) if kill else (0, 0.0)
        started = working = time.perf_counter()
        with (self.place / "err").open("w+b") as err:  # no pipe, which would wait for workers that outlive a command
            process = subprocess.Popen(
                [*self.commands[name], "--out", str(out)],
                cwd=self.place,
                stdout=subprocess.DEVNULL,
                stderr=err,
                process_group=0,  # so that the workers can be killed, too, and nobody else
                preexec_fn=_hear_interrupts,
            )
            killed = False
            if kill is None:
                while not any(out.rglob(".lock")) and process.poll() is None:
                    time.sleep(0.01)
                working = time.perf_counter()
            else:
                while process.poll() is None and len(set(records(out))) < images:
                    time.sleep(0.01)
                try:
                    process.wait(moment)
                except subprocess.TimeoutExpired:
                    (os.killpg if whole else os.kill)(process.pid, kill)
                    killed = True
            asked = time.perf_counter()
            process.wait()
            end = time.perf_counter()
            err.seek(0)
            text = err.read().decode(errors="replace")
        (self.place / "err").unlink()
        return Ending(killed, process.returncode, end - started, end - working, end - asked, text, process.pid)

    def _point(self, name: str, out: Path) -> tuple[int, float]:
        """Return a random point: how many images have to be finished, and how many seconds have to pass then."""
        usual, whole, before = self.usual[name], len(self.records[name]), len(set(records(out)))
        if before == whole:
            return 0, self.random.uniform(0, usual.seconds)
        if self.random.uniform() < 0.25:
            return 0, self.random.uniform(0, usual.seconds - usual.working)
        return self.random.randint(before, whole) + 1, self.random.uniform(0, 2 * usual.working / whole)

    def finished(self, out: Path) -> dict[str, Finished]:
        """Return what is finished in a results folder, by the name of the run and the id of the image."""
        written = Counter(records(out))
        calls = Counter(self._calls())  # after the records: a call comes before its record
        return {name: Finished(count, calls[name]) for name, count in written.items()}

    def _calls(self) -> list[str]:
        log = self.place / "calls"
        lines = [line.split() for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
        return [f"{MODULE}-{name}/{self.id_of[image]}" for name, image in lines]

    def life(self, name: str, out: Path, kills: int) -> int:
        """Start a command again and again until it is done, killed at most so many times; return how many times."""
        (self.place / "calls").unlink(missing_ok=True)
        sent = 0
        while True:
            before = self.finished(out)
            enough = sent == kills or (len(before) == len(self.records[name]) and self.random.uniform() < 0.5)
            kill = None if enough else SIGNALS[sum(self.tally.kills.values()) % len(SIGNALS)]
            ending = self.start(name, out, kill, whole=self.random.uniform() < 0.5)
            after = self.finished(out)
            self.tally.kept += len(before)
            again = [image for image, state in before.items() if after.get(image) != state]
            again += [image for image, state in after.items() if state.records > 1]
            self.tally.faults += [f"{name}: {image} was finished and made again" for image in again]
            if not ending.killed or ending.code == 0:
                break
            sent += 1
            self._count(name, kill, ending, len(before), len(after))
        if ending.code:
            self.tally.faults.append(f"{name}: exit code {ending.code} undisturbed: {ending.err[-500:]}")
        self._compare(name, out)
        return sent

    def _count(self, name: str, kill: signal.Signals, ending: Ending, before: int, after: int) -> None:
        tally, whole = self.tally, len(self.records[name])
        phase = PHASES[2 if after == whole else 1 if after > before else 0]
        tally.kills[name, kill, phase] += 1
        self.groups.append(ending.group)
        if kill is SIGKILL:
            return
        tally.slowest[name, kill] = max(ending.answering, tally.slowest.get((name, kill), 0.0))
        if any(word in ending.err for word in LAST_WORDS) and ending.code == -kill:
            tally.late += 1
        elif before == after and ANSWER not in ending.err and "in main\n" not in ending.err:
            tally.early += 1  # Python itself was only starting, and says what it likes
        elif ending.code != 130 or ANSWER not in ending.err or "Traceback" in ending.err:
            tally.faults.append(f"{name}: {kill.name} {phase}: exit code {ending.code}: {ending.err[-2000:]}")

    def _compare(self, name: str, out: Path) -> None:
        """Compare what a killed command has left in the end with what it leaves undisturbed."""
        self.tally.completed += 1
        ours, calm = contents(out), self.calm[name]
        self.tally.files += len(calm)
        for path in sorted(set(ours) | set(calm)):
            if ours.get(path) != calm.get(path):
                what = "differs" if path in ours and path in calm else "is left over" if path in ours else "is missing"
                self.tally.faults.append(f"{name}: {path} {what}")
        limit = time.perf_counter() + GONE_SECONDS
        while (alive := [group for group in self.groups if living(group)]) and time.perf_counter() < limit:
            time.sleep(0.1)
        self.tally.faults += [f"{name}: processes of group {group} stayed behind" for group in alive]
        self.groups.clear()
        shutil.rmtree(out)


def soak(place: Path, kills: int, images: int = 12, workers: int = 2, seed: int = 0) -> Tally:
    """Kill commands so many times.

    Parameters
    ----------
    place : Path
        Empty folder to work in.
    kills, images, workers, seed : int
        How many kills, of commands with so many images and worker processes; the seed of their moments.

    Returns
    -------
    Tally
        What was seen.
    """
    test = Soak(place, images, workers, seed)
    test.undisturbed()
    sent, lives = 0, 0
    while sent < kills:
        name, known = tuple(test.commands)[lives % len(test.commands)], len(test.tally.faults)
        sent += test.life(name, place / f"rough{lives}", kills - sent)
        lives += 1
        for fault in test.tally.faults[known:]:
            note(fault)
        note(f"{sent} of {kills} kills, {lives} commands completed, {len(test.tally.faults)} faults")
    return test.tally


def records(out: Path) -> list[str]:
    """Return run and id of every whole record in a results folder, as often as it is there."""
    journals = sorted([*out.glob(NAME), *out.glob(f"*/{NAME}")])
    return [
        str(journal.parent.relative_to(out) / str(id_of(line))) for journal in journals for line in whole_lines(journal)
    ]


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file's bytes by its path, without what may differ."""
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        data = path.read_bytes()
        if path.name == "run.json":
            meta: dict[str, Any] = json.loads(data)
            data = json.dumps({key: value for key, value in meta.items() if key not in TIMES}).encode()
        found[str(path.relative_to(folder))] = data
    return found


def living(group: int) -> bool:
    """Whether a process of a group is alive; one that has ended and was not waited for is not."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, owner = path.read_text(encoding="utf-8").rpartition(")")[2].split()[:3]
        except (OSError, ValueError):
            continue
        if int(owner) == group and state != "Z":
            return True
    return False


def table(tally: Tally) -> str:
    """Return what was seen as markdown."""
    lines = [
        f"| command | signal | kills | {' | '.join(PHASES)} | slowest answer |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for name, kill in dict.fromkeys((name, kill) for name, kill, _ in sorted(tally.kills)):
        counts = [tally.kills[name, kill, phase] for phase in PHASES]
        slowest = f"{tally.slowest[name, kill]:.2f} s" if (name, kill) in tally.slowest else "–"
        lines.append(f"| `{name}` | {kill.name} | {' | '.join(map(str, [sum(counts), *counts]))} | {slowest} |")
    lines += [
        "",
        f"{sum(tally.kills.values())} kills; {tally.completed} commands brought to their end by starting them again;",
        f"finished images found on starting again: {tally.kept}; files compared with those of undisturbed commands:",
        f"{tally.files}. Signals while Python itself was starting: {tally.early}, after the command's last word:",
        f"{tally.late}. Faults: {len(tally.faults)}.",
    ]
    return "\n".join([*lines, *(f"- {fault}" for fault in tally.faults)]) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Soak, write the table, and return 1 if there were faults."""
    parser = argparse.ArgumentParser(prog="contourbench.bench.studies.soak", description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=100, metavar="N")
    parser.add_argument("--images", type=int, default=12, metavar="N")
    parser.add_argument("--workers", type=int, default=2, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, metavar="TABLE.md")
    options = parser.parse_args(arguments)
    show_messages()
    if os.name != "posix":
        parser.error("needs signals between processes, which this system does not have")
    with tempfile.TemporaryDirectory(prefix="contourbench-soak-") as place:
        tally = soak(Path(place), options.kills, options.images, options.workers, options.seed)
    text = table(tally)
    if options.out:
        write_text(options.out, text)
    print(text)
    return 1 if tally.faults else 0


def _hear_interrupts() -> None:
    """Let Ctrl-C count also where we ourselves run in the background and are deaf to it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    sys.exit(main())
