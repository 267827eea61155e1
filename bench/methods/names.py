"""From names to detectors: built-in ones, entry points, and any function of the user's.

A name that prints is a name that parses: ``canny(sigma=2)`` stands in the table and goes on the command line. Names
are a word, or ``package.module:function``, with parameters in brackets; what differs from the function's defaults is
part of the name, the rest is left out.
"""

import ast
import importlib
import inspect
import logging
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ...eval.hashing import digest
from ..errors import UserError, argument, listing, nearest_hint
from .fingerprint import code_of, local_sources

logger = logging.getLogger(__name__)

BUILT_IN = {
    "ncut": "contourbench.baselines.ncut:ncut",
    "ncut_gradient": "contourbench.baselines.ncut:ncut_gradient",
    "ncut_soft": "contourbench.baselines.ncut:ncut_soft",
    "roberts": "contourbench.baselines.gradient:roberts",
    "sobel": "contourbench.baselines.gradient:sobel",
    "canny": "contourbench.baselines.canny:canny",
    "cnf": "contourbench.cnf_contours.contours.detectors:cnf",
    "cnf_fast": "contourbench.cnf_contours.contours.detectors:cnf_fast",
    "cnf_segmentation": "contourbench.cnf_contours.contours.detectors:cnf_segmentation",
    "cnf_thesis": "contourbench.cnf_contours.contours.detectors:cnf_thesis",
    "cnf_ucm": "contourbench.cnf_contours.contours.detectors:cnf_ucm",
    "consensus": "contourbench.cnf_contours.contours.consensus:consensus",
    "dfc": "contourbench.cnf_contours.clustering.dfc:dfc",
    "felzenszwalb": "contourbench.baselines.felzenszwalb:felzenszwalb",
    "felzenszwalb_soft": "contourbench.baselines.felzenszwalb:felzenszwalb_soft",
    "mean_shift": "contourbench.baselines.mean_shift:mean_shift",
    "mean_shift_soft": "contourbench.baselines.mean_shift:mean_shift_soft",
    "pmi": "contourbench.baselines.pmi:pmi",
    "pmi_ucm": "contourbench.baselines.pmi:pmi_ucm",
}
# Detectors whose map is the mean of the boundaries of another's sweep, with the same parameters.
SOFT_OF = {"felzenszwalb_soft": "felzenszwalb", "mean_shift_soft": "mean_shift", "ncut_soft": "ncut"}
# Detectors that can take many images at once, and how; a user's `detect` can if its module has a `detect_batch`.
BATCH_FORMS = {
    name: f"contourbench.cnf_contours.contours.detectors:{name}_batch" for name in ("cnf", "cnf_fast", "cnf_thesis")
}
ENTRY_POINTS = "contourbench.detectors"
# A keyword of this name and default None is no parameter: it takes a function of (iteration, iterations, loss).
PROGRESS = "progress"
Progress = Callable[[int, int, float], None]


@dataclass(frozen=True)
class Detector:
    """A detector with all its parameters: call it with an (H, W, 3) RGB uint8 image for a contour map or a sweep.

    ``name`` is the canonical spelling, ``target`` where the function lives, ``params`` every parameter's value,
    ``fingerprint`` the SHA-256 of what decides the output: parameters and source code. ``sweep`` is the detector whose
    sweep this one averages, if it is such a one; ``batch`` where the function of many images is, if it is to be used.
    """

    name: str
    target: str
    params: dict[str, Any]
    fingerprint: str
    sweep: "Detector | None" = None
    batch: str = ""

    def __call__(self, image: NDArray, progress: Progress | None = None) -> Any:
        return _call(self.target, image, self.params, progress)

    def together(self, images: list[NDArray], progress: Progress | None = None) -> list[Any]:
        """Return what the function of many images makes of them."""
        return _call(self.batch, images, self.params, progress)


def known_detectors() -> dict[str, str]:
    """Return ``name -> package.module:function`` of the built-in detectors and those of installed packages.

    Packages name theirs as entry points of the group ``contourbench.detectors``. Of several with one name, the built-in
    one stands here, or the first.

    Examples
    --------
    >>> known_detectors()["canny"]
    'contourbench.baselines.canny:canny'
    """
    return {name: targets[0] for name, targets in _targets_by_name().items()}


def _targets_by_name() -> dict[str, list[str]]:
    """Return all detectors of each name, a built-in one first."""
    found = {name: [target] for name, target in BUILT_IN.items()}
    for target, name in sorted((point.value, point.name) for point in entry_points(group=ENTRY_POINTS)):
        targets = found.setdefault(name, [])
        if target not in targets:
            targets.append(target)
    return found


def _target_of(name: str) -> str:
    """Return the detector that a known name stands for; says so if others have it, too.

    Raises
    ------
    UserError
        If installed packages have several of this name and none is built in.
    """
    first, *others = _targets_by_name()[name]
    if others and name not in BUILT_IN:
        every = " and ".join([first, *others])
        raise UserError(f"detector {name}: the name of {every} of installed packages; name one of them like that")
    if others:
        logger.warning(
            f"detector {name}: this is the built-in one; an installed package has {' and '.join(others)}, which has to"
            " be named like that"
        )
    return first


def parse_detector(spec: str, settings: Mapping[str, Any] | None = None) -> Detector:
    """Return the detector that ``spec`` names, such as ``canny``, ``sobel(sigma=2)`` or ``my.module:detect``.

    Parameters
    ----------
    spec : str
        Name and parameters.
    settings : mapping, optional
        More parameters, as if they stood in ``spec``, if the detector has them.

    Returns
    -------
    Detector
        Call it with an (H, W, 3) uint8 RGB image.

    Raises
    ------
    UserError
        If the spelling, the name or a parameter is wrong; says what is near.

    Examples
    --------
    >>> detector = parse_detector("sobel( nms=True, sigma=2 )")
    >>> detector.name
    'sobel(sigma=2, nms=True)'
    >>> import numpy as np
    >>> detector(np.zeros((4, 5, 3), np.uint8)).shape
    (4, 5)
    """
    known = known_detectors()
    base, params = _split(_setting_spelt_out(spec, known))
    if ":" not in base and base not in known:
        hint = nearest_hint(base, sorted(known))
        raise UserError(
            f"detector {base!r}: unknown{hint} (known: {listing(sorted(known))}, or package.module:function)"
        )
    target = _target_of(base) if base in known else base
    function = _import_target(target)
    defaults = _parameters(function, base)
    for key, value in (settings or {}).items():
        if key in defaults and params.setdefault(key, value) != value:
            other = f"but {argument(key, value)}; leave one out"
            raise UserError(f"detector {spec}: {key} is {_spell(params[key])}, {other}")
    for key, value in params.items():
        if key not in defaults:
            hint = nearest_hint(key, list(defaults))
            raise UserError(
                f"detector {base}: no parameter {key!r}{hint} (it has: {listing(list(defaults)) or 'none'})"
            )
        params[key] = _fitting(value, defaults[key], f"detector {base}: parameter {key}")
    required = [k for k, default in defaults.items() if default is inspect.Parameter.empty and k not in params]
    if required:
        raise UserError(f"detector {base}: parameter {required[0]!r} is required")
    chosen = {key: params.get(key, default) for key, default in defaults.items()}
    given = ", ".join(f"{k}={_spell(v)}" for k, v in chosen.items() if _spell(v) != _spell(defaults[k]))
    fingerprint = digest(_spell(chosen), *map(code_of, local_sources(target.partition(":")[0])))
    brackets = f"({given})" if given else ""
    sweep = parse_detector(SOFT_OF[base] + brackets) if base in SOFT_OF else None
    return Detector(base + brackets, target, chosen, fingerprint, sweep)


def batch_form(detector: Detector) -> Detector | None:
    """Return the detector as one that takes many images at once, with that code in its fingerprint, too; else None."""
    module, _, function = detector.target.partition(":")
    named = BATCH_FORMS.get(detector.name.partition("(")[0])
    if named is None and not callable(getattr(importlib.import_module(module), f"{function}_batch", None)):
        return None
    batch = named or f"{module}:{function}_batch"
    code = map(code_of, local_sources(batch.partition(":")[0]))
    return replace(detector, batch=batch, fingerprint=digest(detector.fingerprint, batch, *code))


def describe(name: str) -> str:
    """Return one line on a known detector: its parameters with their defaults and what its docstring says first.

    >>> describe("roberts").partition("  ")[0]
    'roberts()'
    """
    try:
        function = _import_target(_target_of(name))
    except UserError as error:  # such as torch, which is not installed, or several of this name
        return f"{name}  not available: {error}"
    params = ", ".join(f"{k}={_spell(v)}" for k, v in _parameters(function, name).items())
    first_line = (inspect.getdoc(function) or "").split("\n")[0]
    return f"{name}({params})  {first_line}"


def _setting_spelt_out(spec: str, known: Iterable[str]) -> str:
    """Return ``cnf_thesis(seed=1)`` for ``cnf(thesis, seed=1)``, where there is a detector of that name."""
    named = re.fullmatch(r"\s*(\w+)\(\s*([^\W\d]\w*)\s*(?:,(.*))?\)\s*", spec)
    if named and f"{named[1]}_{named[2]}" in known:
        return f"{named[1]}_{named[2]}({named[3] or ''})"
    return spec


def _split(spec: str) -> tuple[str, dict[str, Any]]:
    """Split ``name(key=value, …)``; a bare word as value is a string."""
    base, bracket, rest = spec.strip().partition("(")
    module, colon, function = base.partition(":")
    words = [*module.split("."), *([function] if colon else [])]
    if not all(word.isidentifier() for word in words) or (bracket and not rest.rstrip().endswith(")")):
        raise UserError(f"detector {spec!r}: expected name, name(key=value) or package.module:function(key=value)")
    unreadable = UserError(f"detector {spec!r}: cannot read the parameters, expected key=value, key=value")
    try:
        call = ast.parse(f"f({rest.rstrip()[:-1]})" if bracket else "f()", mode="eval").body
        keywords = call.keywords if isinstance(call, ast.Call) else []
        params = {k.arg: k.value.id if isinstance(k.value, ast.Name) else ast.literal_eval(k.value) for k in keywords}
    except (SyntaxError, ValueError):
        raise unreadable from None
    if not isinstance(call, ast.Call) or call.args or None in params or len(params) < len(keywords):
        raise unreadable
    return base.strip(), params


def _import_target(target: str) -> Callable[..., Any]:
    """Import ``package.module:function``, also from the working directory."""
    module_name, _, function_name = target.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name + ".").startswith(error.name + "."):
            raise UserError(f"detector {target}: no module {error.name!r} here or installed") from None
        raise UserError(f"detector {target}: its module needs {error.name!r}, which is not installed") from None
    except (Exception, SystemExit) as error:
        raise UserError(f"detector {target}: importing it failed with {type(error).__name__}: {error}") from None
    function = getattr(module, function_name, None)
    if not callable(function):
        names = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
        raise UserError(f"detector {target}: no function {function_name!r}{nearest_hint(function_name, names)}")
    return function


def _parameters(function: Callable[..., Any], name: str) -> dict[str, Any]:
    """Parameters after the image, with their defaults."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # such as a function in C
        return {}
    if not parameters:
        raise UserError(f"detector {name}: takes no argument, expected a function of an image")
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {p.name: p.default for p in parameters[1:] if p.kind in named and not _is_progress(p)}


def _is_progress(parameter: inspect.Parameter) -> bool:
    return parameter.name == PROGRESS and parameter.default is None


def _call(target: str, given: Any, params: dict[str, Any], progress: Progress | None) -> Any:
    """Call a detector's function, with ``progress`` if it takes that."""
    function = _import_target(target)
    if progress is None:
        return function(given, **params)
    try:
        takes_it = any(map(_is_progress, inspect.signature(function).parameters.values()))
    except (TypeError, ValueError):
        takes_it = False
    return function(given, **params, **({PROGRESS: progress} if takes_it else {}))


def _fitting(value: Any, default: Any, what: str) -> Any:
    """Return ``value`` in the type of the default, where that is clear."""
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    for kind in (bool, int, float, str):
        if type(default) is kind and type(value) is not kind:
            raise UserError(f"{what}: {value!r}, expected {kind.__name__} as in {_spell(default)}")
    return value


def _spell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, str) and value.isidentifier():
        return value
    return re.sub(" at 0x[0-9a-f]+", "", repr(value))
