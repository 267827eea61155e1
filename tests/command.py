"""The command line as a user types it, for tests."""

import csv
import json
import signal
import sys
from pathlib import Path

from contourbench.bench.cli.main import main

COMMAND = [str(Path(sys.executable).with_name("contourbench"))]


def hear_interrupts():
    """For a child process: Ctrl-C counts, also where the tests themselves run in the background and are deaf to it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def contourbench(capsys, *arguments):
    """Run the command in this process on one core; return exit code, stdout and stderr."""
    spread = [] if arguments[0] not in ("run", "score", "human") or "--workers" in arguments else ["--workers", "1"]
    try:
        code = main([*map(str, arguments), *spread])
    except SystemExit as stop:
        code = stop.code
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return code, out, err


def contents(folder, timeless=True):
    """Every file's bytes; times and dates apart."""
    files = {}
    for path in sorted(p for p in Path(folder).rglob("*") if p.is_file()):
        data = path.read_bytes()
        if path.name == "run.json" and timeless:
            meta = json.loads(data)
            del meta["seconds"], meta["finished"]
            data = json.dumps(meta).encode()
        files[str(path.relative_to(folder))] = data
    return files


def rows(path):
    return list(csv.DictReader(path.read_text().splitlines()))


def records(folder):
    """The records of a run by image id."""
    lines = (Path(folder) / "counts.jsonl").read_text().splitlines()
    return {record["id"]: record for record in map(json.loads, lines)}


def write_records(folder, found):
    (Path(folder) / "counts.jsonl").write_text("".join(json.dumps(record) + "\n" for record in found.values()))


def edit_record(folder, image_id, change):
    """Change one record of a run by a function of it; None takes it out."""
    found = records(folder)
    if change is None:
        del found[image_id]
    else:
        change(found[image_id])
    write_records(folder, found)


def fails(capsys, *arguments):
    """The command ends with exit code 2; return what it says."""
    code, out, err = contourbench(capsys, *arguments)
    assert code == 2, (code, err)
    assert out == ""
    assert err.strip()
    return err
