"""The names that a notebook imports from the suite's front door."""

import importlib
from importlib.util import find_spec
from types import ModuleType

import pytest

from contourbench import bench

MADE = [name for name, module in bench.PUBLIC.items() if find_spec(f"contourbench.bench{module}")]


@pytest.mark.parametrize("name", MADE)
def test_a_public_name_is_a_documented_function_and_never_a_module(name):
    found = getattr(importlib.import_module("contourbench.bench"), name)
    assert callable(found) and not isinstance(found, ModuleType)
    assert found.__name__ == name
    assert "Parameters\n" in found.__doc__ and "Raises\n" in found.__doc__
    importlib.import_module(f"contourbench.bench{bench.PUBLIC[name]}")
    assert getattr(bench, name) is found, "hidden by its module"


def test_they_are_listed_and_others_are_not_there():
    assert set(bench.__all__) <= set(dir(bench))
    with pytest.raises(AttributeError, match="has no attribute 'load_result'"):
        _ = bench.load_result
