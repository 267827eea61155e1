"""Which source files decide what a function does: its module and, from there, what that imports of the same project."""

import ast
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path


def local_sources(module: str) -> list[Path]:
    """Return the files of a module and of all it imports, directly or not, from its own package or the working folder.

    Found by reading import statements, not by looking at what happens to be loaded, so that the answer is always the
    same. Data files, such as weights, are not seen.
    """
    found: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _file_of(name) if _is_local(name, module) and name not in found else None
        if path is not None:
            found[name] = path
            waiting += _imports(path, name)
    return sorted(set(found.values()))


def code_of(path: Path) -> str:
    """Return a module's syntax tree without comments and docstrings; the plain text of what does not parse."""
    data = path.read_bytes()
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError):
        return data.decode(errors="replace")
    for node in ast.walk(tree):
        documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if documented and ast.get_docstring(node, clean=False) is not None:
            node.body.pop(0)
    return ast.dump(tree)


def _is_local(name: str, module: str) -> bool:
    top = name.partition(".")[0]
    if top == module.partition(".")[0]:
        return True
    if top in sys.stdlib_module_names:
        return False
    spec = _spec_of(top)
    places = [spec.origin or "", *(spec.submodule_search_locations or [])] if spec else []
    return any(Path.cwd() in Path(place).parents and "site-packages" not in place for place in places)


def _file_of(name: str) -> Path | None:
    spec = _spec_of(name)
    return Path(spec.origin) if spec and spec.origin and spec.origin.endswith(".py") else None


def _spec_of(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except (ImportError, AttributeError, ValueError):
        return None


def _imports(path: Path, name: str) -> list[str]:
    """Names of modules that a file imports, and of what it takes from them, which may be modules, too."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return []
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                base = ".".join([*parts[: len(parts) - node.level + 1], *([base] if base else [])])
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return names
