"""From names to detectors: built-in ones, entry points, and any function of the user's.

A name that prints is a name that parses: ``canny(sigma=2)`` stands in the table and goes on the command line. Names
are a word, or ``package.module:function``, with parameters in brackets (`spelling`); what differs from the function's
defaults is part of the name, the rest is left out.
"""

import importlib
import inspect
import logging
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from ...eval.hashing import digest
from ...eval.suppression import SUPPRESSION_PRESETS
from ...eval.sweeps import Sweep
from ..errors import UserError, argument, listing, nearest_hint
from .fingerprint import code_of, local_sources, named_files
from .spelling import SUPPRESSION, required_preset, spell, split_name, with_suppression, without_suppression

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
ProgressCallback = Callable[[int, int, float], None]


@dataclass(frozen=True)
class Detector:
    """A detector with all its parameters: call it with an (H, W, 3) RGB uint8 image for a contour map or a sweep.

    ``name`` is the canonical spelling, ``target`` where the function lives, ``params`` every parameter's value,
    ``fingerprint`` the SHA-256 of what decides the output: parameters, the files they name, and source code. ``sweep``
    is the detector whose sweep this one averages, if it is such a one; ``batch`` where the function of many images is,
    if it is to be used. ``nms`` is the preset by which its maps are suppressed before they are counted, which makes
    another row of the same maps.
    """

    name: str
    target: str
    params: dict[str, Any]
    fingerprint: str
    sweep: "Detector | None" = None
    batch: str = ""
    nms: str | None = None

    @property
    def raw_name(self) -> str:
        """The name without suppression."""
        return without_suppression(self.name, self.nms)

    @property
    def is_ours(self) -> bool:
        """Whether it is a part of contourbench."""
        return _is_ours(self.target)

    def __call__(self, image: NDArray, progress: ProgressCallback | None = None) -> Any:
        return _call(self.target, image, self.params, progress)

    def together(self, images: list[NDArray], progress: ProgressCallback | None = None) -> list[Any]:
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


def parse_detector(spec: str, settings: Mapping[str, Any] | None = None, nms: str | None = None) -> Detector:
    """Return the detector that ``spec`` names, such as ``canny``, ``sobel(sigma=2)`` or ``my.module:detect``.

    Parameters
    ----------
    spec : str
        Name and parameters.
    settings : mapping, optional
        More parameters, as if they stood in ``spec``, if the detector has them.
    nms : str, optional
        Preset of suppression, as if it stood in ``spec``: ``sobel(nms=hed)``. A parameter ``nms`` of the detector's own
        that can be such a word means that parameter.

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
    >>> parse_detector("sobel(sigma=2)", nms="hed").name
    'sobel(sigma=2, nms=hed)'
    """
    known = known_detectors()
    base, params = split_name(_setting_spelt_out(spec, known))
    if ":" not in base and base not in known:
        hint = nearest_hint(base, sorted(known))
        raise UserError(
            f"detector {base!r}: unknown{hint} (known: {listing(sorted(known))}, or package.module:function)"
        )
    target = _target_of(base) if base in known else base
    function = _import_target(target)
    defaults = _parameters(function, base)
    nms = _suppression(spec, params, defaults, required_preset(nms))
    for key, value in (settings or {}).items():
        wanted = _understood(key, value, defaults[key], target) if key in defaults else None
        if key in defaults and params.setdefault(key, wanted) != wanted:
            other = f"but {argument(key, value)}; leave one out"
            raise UserError(f"detector {spec}: {key} is {spell(params[key])}, {other}")
    chosen = _chosen(base, params, defaults)
    if nms and chosen.get(SUPPRESSION) is True:
        both = f"nms=True suppresses non-maxima already; leave out that or {argument(SUPPRESSION, nms)}"
        raise UserError(f"detector {spec}: {both}")
    given = ", ".join(f"{k}={spell(v)}" for k, v in chosen.items() if spell(v) != spell(defaults[k]))
    brackets = f"({given})" if given else ""
    code = map(code_of, local_sources(target.partition(":")[0]))
    files = () if _is_ours(target) else named_files(chosen)
    sweep = parse_detector(SOFT_OF[base] + brackets) if base in SOFT_OF else None
    name = with_suppression(base + brackets, nms)
    return Detector(name, target, chosen, digest(spell(chosen), *code, *files), sweep, nms=nms)


def _suppression(spec: str, params: dict[str, Any], defaults: dict[str, Any], asked: str | None) -> str | None:
    """Return the preset of suppression, taken out of the parameters, or the one asked for beside them."""
    own = SUPPRESSION in defaults
    if own and not isinstance(defaults[SUPPRESSION], bool | int | float):  # such as a word: it may mean anything
        if asked:
            taken = f"detector {spec}: has a parameter {SUPPRESSION} of its own, which is set in its brackets"
            raise UserError(f"{taken}; leave out {argument(SUPPRESSION, asked)}")
        return None
    if SUPPRESSION not in params or (own and params[SUPPRESSION] not in list(SUPPRESSION_PRESETS)):
        return asked
    named = required_preset(params.pop(SUPPRESSION))
    if asked not in (None, named):
        other = f"but {argument(SUPPRESSION, asked)}; leave one out"
        raise UserError(f"detector {spec}: {SUPPRESSION} is {named or 'none'}, {other}")
    return named


def _understood(key: str, value: Any, default: Any, target: str) -> Any:
    """Return a setting as a detector takes it: ``device="auto"`` is our word, and for others that of a device."""
    if (key, value) != ("device", "auto") or default == "auto" or _is_ours(target):
        return value
    try:
        from torch.cuda import is_available
    except ModuleNotFoundError:
        return "cpu"
    return "cuda" if is_available() else "cpu"


def _is_ours(target: str) -> bool:
    return target.partition(".")[0] == __name__.partition(".")[0]


def _chosen(base: str, params: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """Return the value of every parameter, in the type of its default."""
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
    return {key: params.get(key, default) for key, default in defaults.items()}


def batch_form(detector: Detector) -> Detector | None:
    """Return the detector as one that takes many images at once, with that code in its fingerprint, too; else None."""
    module, _, function = detector.target.partition(":")
    named = BATCH_FORMS.get(detector.name.partition("(")[0])
    if named is None and not callable(getattr(importlib.import_module(module), f"{function}_batch", None)):
        return None
    batch = named or f"{module}:{function}_batch"
    code = map(code_of, local_sources(batch.partition(":")[0]))
    return replace(detector, batch=batch, fingerprint=digest(detector.fingerprint, batch, *code))


def require_workable(detector: Detector) -> None:
    """Refuse at once what would fail image by image: a built-in detector's parameter with a value it does not take.

    Built-in detectors look at their parameters first and name a wrong one. So one whose parameters are not all the
    defaults is called with a tiny grey image; if it iterates, no further than to the first iteration. Other people's
    code is never called for a try: nobody knows what that costs, and what else it does.

    Raises
    ------
    UserError
        If it names a parameter, or if suppression is asked for of a detector that is known to make regions.
    """
    function = _import_target(detector.target)
    if detector.nms and _made_by(function) is Sweep:
        only = f"makes segmentations, but {argument(SUPPRESSION, detector.nms)} is for contour maps"
        raise UserError(f"detector {detector.raw_name}: {only}; leave it out")
    if not detector.is_ours or "(" not in detector.raw_name:
        return
    try:
        with warnings.catch_warnings(action="ignore"), redirect_stdout(sys.stderr):
            detector(np.full((4, 4, 3), 128, np.uint8), _stop)
    except ValueError as error:
        if str(error).partition(":")[0] in detector.params:
            raise UserError(f"detector {detector.name}: parameter {error}") from None
    except Exception:  # whatever a tiny image leads to; the run will tell of it
        pass


def _made_by(function: Callable[..., Any]) -> Any:
    """Return what a function's annotation says that it returns, None if it says nothing."""
    try:
        return inspect.signature(function).return_annotation
    except (TypeError, ValueError):
        return None


class _Enough(Exception):
    """The parameters have been looked at."""


def _stop(iteration: int, iterations: int, loss: float) -> NoReturn:
    raise _Enough


def describe(name: str) -> str:
    """Return one line on a known detector: its parameters with their defaults and what its docstring says first.

    >>> describe("roberts").partition("  ")[0]
    'roberts()'
    """
    try:
        function = _import_target(_target_of(name))
    except UserError as error:  # such as torch, which is not installed, or several of this name
        return f"{name}  not available: {error}"
    params = ", ".join(f"{k}={spell(v)}" for k, v in _parameters(function, name).items())
    first_line = (inspect.getdoc(function) or "").split("\n")[0]
    return f"{name}({params})  {first_line}"


def _setting_spelt_out(spec: str, known: Iterable[str]) -> str:
    """Return ``cnf_thesis(seed=1)`` for ``cnf(thesis, seed=1)``, where there is a detector of that name."""
    named = re.fullmatch(r"\s*(\w+)\(\s*([^\W\d]\w*)\s*(?:,(.*))?\)\s*", spec)
    if named and f"{named[1]}_{named[2]}" in known:
        return f"{named[1]}_{named[2]}({named[3] or ''})"
    return spec


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


def _call(target: str, given: Any, params: dict[str, Any], progress: ProgressCallback | None) -> Any:
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
            raise UserError(f"{what}: {value!r}, expected {kind.__name__} as in {spell(default)}")
    return value
