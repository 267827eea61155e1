"""What a room hands out: names that are what one expects, whatever was imported before, and that say what they do."""

import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("eval", "baselines", "cnf_contours", "bench")

# Imports a room's modules anew, each of them first in turn, then all others in that order.
ALL_ORDERS = """
import importlib, sys
from types import ModuleType
room, *modules = sys.argv[1:]
for first in modules:
    for name in [name for name in sys.modules if name.partition(".")[0] == "contourbench"]:
        del sys.modules[name]
    for module in [first, *modules]:
        importlib.import_module(module)
        package = sys.modules[room]
        wrong = [name for name in package.__all__ if isinstance(getattr(package, name), ModuleType)]
        assert not wrong, f"after {first}, {module}: modules in place of {wrong}"
"""


def public_names(room):
    """Return the public list of a room; empty where it cannot be imported, such as without torch."""
    if room == "cnf_contours" and importlib.util.find_spec("torch") is None:
        return []
    return list(getattr(importlib.import_module(f"contourbench.{room}"), "__all__", []))


def public_objects():
    for room in ROOMS:
        for name in public_names(room):
            yield pytest.param(getattr(importlib.import_module(f"contourbench.{room}"), name), id=f"{room}.{name}")


@pytest.mark.parametrize("room", ROOMS)
def test_public_names_are_no_modules_whatever_is_imported_first(room):
    if not public_names(room):
        pytest.skip("no public list, or torch is not installed")
    paths = [path for path in (ROOT / room).iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()]
    modules = [f"contourbench.{room}.{path.stem}" for path in sorted(paths) if not path.stem.startswith("__")]
    command = [sys.executable, "-c", ALL_ORDERS, f"contourbench.{room}", *modules]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("room", ROOMS)
def test_no_function_is_hidden_by_its_module(room):
    """Where a module has a function of its own name, ``from contourbench.room import name`` is that function."""
    if not public_names(room):
        pytest.skip("no public list, or torch is not installed")
    for path in (ROOT / room).glob("*.py"):
        if re.search(rf"^(def|class) {path.stem}\b", path.read_text(), re.MULTILINE):
            assert path.stem in public_names(room), f"{path} has a function {path.stem}, which the room does not export"


def test_modules_are_found_though_a_function_has_their_name():
    module = importlib.import_module("contourbench.baselines.pmi")
    assert isinstance(module, ModuleType)
    from contourbench.baselines import pmi
    from contourbench.baselines.pmi import fade_border

    assert (module.pmi, module.fade_border) == (pmi, fade_border)


SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}$", re.MULTILINE)
# Folds and containers: nothing in them is from a paper, or their module cites it.
OF_NO_PAPER = {"as_prediction", "count_segmentations", "full_map_counts", "label_boundaries", "mean_boundaries", "pool"}
NEVER_RAISES = {"best_point", "full_map_counts", "pr_curve"}


def sections(thing):
    """Return the numpydoc sections of a docstring by name, and what stands before them as ``Summary``."""
    parts = SECTION.split(inspect.getdoc(thing) or "")
    return {"Summary": parts[0].strip(), **dict(zip(parts[1::2], parts[2::2], strict=True))}


def described(section):
    """Return the names that a section Parameters describes, in order."""
    heads = [line for line in section.strip().split("\n") if line and not line.startswith(" ")]
    return [name.strip().lstrip("*") for head in heads for name in head.partition(" :")[0].split(",")]


@pytest.mark.parametrize("thing", list(public_objects()))
def test_public_names_are_documented(thing):
    if isinstance(thing, str | dict | int | float):
        return  # a constant, which has no docstring of its own
    found = sections(thing)
    assert re.fullmatch(r".+\.", found["Summary"].split("\n\n")[0], re.DOTALL), "no summary"
    examples = found.get("Examples", "")
    assert re.search(r"^>>> (?:.+\n)(?:(?:>>>|\.\.\.) .+\n)*(?!>>>|\.\.\.)\S", examples + "\n", re.MULTILINE), (
        "no example with a visible value"
    )
    if not getattr(thing, "_is_protocol", False):  # which is never made, hence has no parameters
        names, said = inspect.signature(thing).parameters, described(found.get("Parameters", ""))
        without = [[name for name in some if name != "progress"] for some in (names, said)]  # which may be said or not
        assert without[0] == without[1], "Parameters are not those of the signature"
    if inspect.isfunction(thing):
        assert "Returns" in found or inspect.signature(thing).return_annotation in (None, "None"), "no Returns"
        assert "Raises" in found or thing.__name__ in NEVER_RAISES, "no Raises"
        of_no_paper = thing.__name__ in OF_NO_PAPER or thing.__module__.startswith("contourbench.bench.")
        assert "References" in found or of_no_paper, "no References"


def test_the_example_of_the_readme_of_baselines_runs():
    found = {}
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "baselines/README.md").read_text(), re.DOTALL)
    exec(block, found)
    assert found["contour_map"].shape == found["hierarchy"].shape == found["image"].shape[:2]


def test_the_examples_of_the_readme_of_cnf_contours_run():
    pytest.importorskip("torch")
    found = {}
    for block in re.findall(r"```python\n(.*?)```", (ROOT / "cnf_contours/README.md").read_text(), re.DOTALL):
        exec(block, found)
    assert found["contour_map"].shape == found["hierarchy"].shape == found["image"].shape[:2]
    assert found["segmentations"].shape == (1, 4, 4, 24, 32)
