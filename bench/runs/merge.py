"""Put the shards of a run together: counts add up, so the scores are those of one run over all images."""

from pathlib import Path
from typing import Any

from ..errors import UserError, argument, listing
from ..files.atomic import write_bytes, write_json
from ..files.folders import make_writable
from .guards import sole_writer
from .journal import NAME, write_lines
from .records import joint_hashes
from .results import SUMMARY_FILES, Run, assemble_run, load_run, require_like, write_summary

# What has to agree between shards, each in ``run.json``.
SAME = ("detector", "params", "nms", "invert", "protocol", "versions")


def merge_shards(shards: list[Path], out: Path) -> Run:
    """Merge the finished runs of one detector over disjoint images into a run folder.

    Parameters
    ----------
    shards : list of Path
        Run folders, such as those that ``run --shard`` made on several machines.
    out : Path
        Run folder to make: new, empty, or what a merge of the same shards has left that was killed. The shards stay as
        they are.

    Raises
    ------
    UserError
        If the shards are of different detectors, data, protocols or versions, or share an image.
    """
    runs = [load_run(folder) for folder in shards]
    _require_alike(runs)
    records, seconds = {}, {}
    for run in runs:
        shared = sorted(set(records) & set(run.records))
        if shared:
            raise UserError(f"{run.folder}: has images that another shard has, too: {listing(shared)}")
        records.update(run.records)
        seconds.update(run.meta["seconds"])
    ids = sorted(records)
    copies = {
        out / "maps" / path.name: path
        for run in runs
        for path in sorted((run.folder / "maps").glob("*"))
        if path.stem in run.records
    }
    lines = [records[image_id].line() for image_id in ids]
    _require_room(out, copies, lines)
    make_writable(out, argument("out", out))
    meta: dict[str, Any] = {
        **runs[0].meta,
        "predictions": runs[0].meta.get("predictions") and str((out / "maps").resolve()),
        "dataset": {**runs[0].meta["dataset"], "ids": ids},
        "hashes": joint_hashes(records[i] for i in ids),
        "finished": max(run.meta["finished"] for run in runs),
        "seconds": {i: seconds.get(i, {}) for i in ids},
    }
    with sole_writer(out):
        for copy, path in copies.items():
            write_bytes(copy, path.read_bytes())
        write_lines(out / NAME, lines)
        write_json(out / "run.json", meta)
        merged = assemble_run(out)
        write_summary(merged)
    return merged


def _require_room(out: Path, copies: dict[Path, Path], lines: list[str]) -> None:
    """Raise if ``out`` has more than a killed merge of the same shards leaves: copies, a summary without scores."""
    expected = {out / "maps", *(out / name for name in ("run.json", *SUMMARY_FILES) if name != "scores.json")}
    records = "".join(f"{line}\n" for line in lines).encode()
    for folder in (out, out / "maps"):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            ours = path in expected or path.name.startswith(".")
            ours |= path == out / NAME and path.read_bytes() == records
            if not ours and (path not in copies or path.read_bytes() != copies[path].read_bytes()):
                raise UserError(f"{out}: not empty (it has {path.relative_to(out)}); choose a new folder to merge into")


def _require_alike(runs: list[Run]) -> None:
    first = runs[0]
    one_record = next(iter(first.records.values()))
    for run in runs[1:]:
        for record in run.records.values():
            require_like(record, one_record, run.folder)
        differing = [key for key in SAME if run.meta.get(key) != first.meta.get(key)]
        if any(run.meta["dataset"][key] != first.meta["dataset"][key] for key in ("name", "split")):
            differing.append("dataset")
        if differing:
            raise UserError(f"{run.folder}: another {', '.join(differing)} than {first.folder}; they cannot be merged")
