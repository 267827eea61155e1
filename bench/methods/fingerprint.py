"""Which files decide what a function does: its module and, from there, what that imports of the same project; and the
files that its parameters name, such as weights.
"""

import ast
import importlib.util
import sys
from collections.abc import Iterable, Mapping
from importlib.machinery import ModuleSpec
from os import PathLike
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..files.hashes import file_sha256


def local_sources(module: str) -> list[Path]:
    """Return the files of a module and of all it imports, directly or not, from its own package or the working folder.

    Found by reading import statements, not by looking at what happens to be loaded, so that the answer is always the
    same. Data files that the code opens by a name of its own are not seen; see `named_files`.
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


def named_files(params: Mapping[str, Any]) -> list[str]:
    """Return a hash of the contents of every file and folder that a parameter names, with the parameter's name.

    A parameter is taken for a path if there is a file or folder of that name. Of a folder, all files count, wherever
    they lie in it, with their names; not their dates, so that copies on two machines are the same. A folder that holds
    the working directory is a place to work in, no input, and does not count.

    Raises
    ------
    UserError
        If such a file cannot be read.
    """
    found = []
    for name, value in sorted(params.items()):
        path = _existing(value)
        try:
            found += [f"{name} {part}" for part in _contents(path)] if path else []
        except OSError as error:
            raise UserError(f"parameter {name}: {error.filename}: cannot be read ({error.strerror})") from None
    return found


def _existing(value: Any) -> Path | None:
    """Return the file or folder that a value names, None if it names none."""
    if not isinstance(value, str | PathLike) or not str(value):
        return None
    try:
        path = Path(value).expanduser()
        is_input = path.is_dir() and path.resolve() not in (Path.cwd(), *Path.cwd().parents)
        return path if path.is_file() or is_input else None
    except (OSError, RuntimeError, ValueError, TypeError):  # too long for a name, no such home, …
        return None


def _contents(path: Path) -> Iterable[str]:
    files = sorted(part for part in path.rglob("*") if part.is_file()) if path.is_dir() else [path]
    for part in files:
        yield f"{part.relative_to(path).as_posix()} {file_sha256(part)}"


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
