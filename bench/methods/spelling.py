"""How methods with their parameters are spelt: ``sobel(sigma=2)``, ``my.module:detect(weights=runs/a.npy)``.

A name that prints is a name that parses. Suppression of non-maxima by the benchmark is part of the method, so it is
spelt like a parameter, the last one: ``sobel(sigma=2, nms=hed)``.
"""

import ast
import re
from typing import Any

from ...eval.suppression import SUPPRESSION_PRESETS
from ..errors import UserError, listing, nearest_hint

SUPPRESSION = "nms"
# A word as value needs no quotes, nor does a path.
BARE = re.compile(r"[^\s,=()\[\]{}'\"]+")


def split_name(spec: str) -> tuple[str, dict[str, Any]]:
    """Split ``name(key=value, …)``; a bare word or path as value is a string.

    Raises
    ------
    UserError
        If it is spelt otherwise.

    Examples
    --------
    >>> split_name("my.module:detect(weights=runs/a.npy, sizes=[1, 2])")
    ('my.module:detect', {'weights': 'runs/a.npy', 'sizes': [1, 2]})
    """
    base, bracket, rest = spec.strip().partition("(")
    module, colon, function = base.partition(":")
    words = [*module.split("."), *([function] if colon else [])]
    if not all(word.isidentifier() for word in words) or (bracket and not rest.endswith(")")):
        raise UserError(f"detector {spec!r}: expected name, name(key=value) or package.module:function(key=value)")
    try:
        return base.strip(), _parameters(rest[:-1] if bracket else "")
    except (SyntaxError, ValueError):
        raise UserError(f"detector {spec!r}: cannot read the parameters, expected key=value, key=value") from None


def spell(value: Any) -> str:
    """Return a parameter's value as names have it."""
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, str) and value.isidentifier():
        return value
    return re.sub(" at 0x[0-9a-f]+", "", repr(value))


def with_suppression(name: str, preset: str | None) -> str:
    """Return the name of a method whose maps are suppressed before they are counted.

    >>> with_suppression("maps", "hed"), with_suppression("sobel(sigma=2)", "hed"), with_suppression("maps", None)
    ('maps(nms=hed)', 'sobel(sigma=2, nms=hed)', 'maps')
    """
    if preset is None:
        return name
    return f"{name[:-1]}, {SUPPRESSION}={preset})" if name.endswith(")") else f"{name}({SUPPRESSION}={preset})"


def without_suppression(name: str, preset: str | None) -> str:
    """Return the name that `with_suppression` was given.

    >>> without_suppression("maps(nms=hed)", "hed"), without_suppression("sobel(sigma=2, nms=hed)", "hed")
    ('maps', 'sobel(sigma=2)')
    """
    alone, last = f"({SUPPRESSION}={preset})", f", {SUPPRESSION}={preset})"
    return name.removesuffix(alone) if name.endswith(alone) else re.sub(re.escape(last) + "$", ")", name)


def required_preset(name: str | None) -> str | None:
    """Return the name of a preset of suppression, None for ``none``.

    Raises
    ------
    UserError
        If there is no such preset.
    """
    if name in (None, "none", *SUPPRESSION_PRESETS):
        return None if name == "none" else name
    known = list(SUPPRESSION_PRESETS)
    hint = nearest_hint(str(name), known)
    raise UserError(f"no such preset{hint} (known: {listing(known)})", parameter=SUPPRESSION, value=name)


def _parameters(text: str) -> dict[str, Any]:
    """Return the values of ``key=value, key=value`` by key; a comma may stand inside a value, and at the end."""
    found: dict[str, Any] = {}
    *pieces, last = text.split(",")
    begun = ""
    for piece in [*pieces, *([last] if last.strip() else [])]:
        begun += piece
        key, equals, written = begun.partition("=")
        try:
            value = _value(written.strip())
        except (SyntaxError, ValueError):
            begun += ","
            continue
        key = key.strip()
        if not (equals and key.isidentifier()) or key in found:
            raise ValueError(key)
        found[key], begun = value, ""
    if begun:
        raise ValueError(begun)
    return found


def _value(text: str) -> Any:
    """Return a value; raises ``ValueError`` or ``SyntaxError`` if it is not, or not yet, whole."""
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        if BARE.fullmatch(text):
            return text
        raise
