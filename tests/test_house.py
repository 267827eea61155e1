"""The rules of the house, executable."""

import ast
import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("eval", "baselines", "cnf_contours", "bench", "contourbench")
MAY_IMPORT = {
    "eval": {"eval"},
    "baselines": {"baselines", "eval.oriented", "eval.suppression", "eval.sweeps", "eval.hierarchy"},
    "cnf_contours": {
        "cnf_contours",
        "eval.oriented",
        "eval.suppression",
        "eval.hierarchy",
        "eval.sweeps",
        "baselines.half_discs",
        "baselines.textons",
        "baselines.pmi",
        "baselines.pmi_density",
        "baselines.owt_ucm",
    },
    "bench": {"bench", "eval", "baselines", "cnf_contours"},
    "contourbench": {"bench", "contourbench"},
}
MAY_USE = {
    "eval": {"numpy", "scipy", "skimage", "numba"},
    "baselines": {"numpy", "scipy", "skimage", "numba", "cv2"},
    "cnf_contours": {"numpy", "scipy", "skimage", "numba", "torch"},
}
HEAVY = {"torch", "matplotlib", "dask", "distributed", "pandas"}
# Rooms of bench from the ground up: each may import those below it, data sets and methods not each other.
FLOORS = {"errors": 0, "files": 1, "datasets": 2, "methods": 2, "runs": 3, "report": 4, "cli": 5, "studies": 6}
SOURCES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def imports(path):
    """Yield (absolute dotted name, whether at module level) of everything a file imports; siblings without prefix."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    package = package[package[:1] == ("contourbench",) :]  # the folder of that name is the distribution's root
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            yield ".".join([*base, *(node.module or "").split(".")]).strip("."), id(node) in top


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_who_imports_whom(path):
    room = path.relative_to(ROOT).parts[0]
    for name, at_top in imports(path):
        first = name.split(".")[0]
        assert first != "contourbench", f"{path}: siblings are imported relatively"
        if first in ROOMS:
            assert any(name == allowed or name.startswith(allowed + ".") for allowed in MAY_IMPORT[room]), (
                f"{path}: {name}"
            )
        elif room in MAY_USE:
            known = MAY_USE[room] | set(__import__("sys").stdlib_module_names)
            assert first in known, f"{path}: {name}"
        if room == "bench" and at_top:
            assert first not in HEAVY, f"{path}: import {name} inside the function that needs it"


@pytest.mark.parametrize("path", sorted((ROOT / "bench").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_rooms_of_bench_import_downwards(path):
    own = path.relative_to(ROOT / "bench").with_suffix("").parts[0]
    if own == "__init__":
        return
    for name, _ in imports(path):
        parts = name.split(".")
        if parts[0] == "bench" and len(parts) > 1 and parts[1] != own:
            assert FLOORS[parts[1]] < FLOORS[own], f"{path}: {own} must not import {name}"
            assert parts[1] not in ("studies", "cli") or own == "studies", f"{path}: nobody imports {name}"


def test_no_module_of_bench_imports_itself_in_a_circle():
    wanted = {}
    for path in sorted((ROOT / "bench").rglob("*.py")):
        own = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        wanted[own] = {name for name, _ in imports(path) if name != own}
    while free := {own for own, names in wanted.items() if not names & set(wanted)}:
        wanted = {own: names for own, names in wanted.items() if own not in free}
    assert not wanted, f"import each other: {sorted(wanted)}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_functions_and_files_are_short(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 450, f"{path} wants to become two rooms"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 90, f"{path}: {node.name}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_text_files_are_utf8_on_every_system(path):
    """Without ``encoding=`` they would be in the code page of the machine."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name)):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        on_text = name == "read_text" or (name == "write_text" and isinstance(node.func, ast.Attribute))
        if name == "open" and isinstance(node.func, ast.Attribute):
            modes = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            on_text = bool(modes) and not any("b" in mode or ":" in mode for mode in modes)
        if on_text:
            assert any(keyword.arg == "encoding" for keyword in node.keywords), f"{path}:{node.lineno}: {name}"


def modules():
    for path in SOURCES:
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if path.stem != "__main__":
            yield importlib.import_module(f"contourbench.{name.removeprefix('contourbench').strip('.')}".rstrip("."))


def test_docstring_examples():
    results = [doctest.testmod(module) for module in modules()]
    assert sum(r.failed for r in results) == 0
    assert sum(r.attempted for r in results) > 10


def test_no_data_set_files_are_tracked():
    import subprocess

    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    assert not [name for name in tracked if name.endswith((".mat", ".jpg", ".tgz"))]


def test_the_builtin_eval_is_not_shadowed():
    import contourbench.eval  # noqa: F401

    assert eval("1 + 1") == 2
