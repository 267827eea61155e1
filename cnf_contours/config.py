"""Every constant of the contour method in one place: the thesis' value where it gives one, else our choice and why.

Three small parts, `FieldConfig`, `HeadsConfig` and `ReadoutConfig`, and `CnfConfig`, which bundles them with what all
three share. The named detectors are presets below. "Thesis" is Malik, "Contour detection and unsupervised image
segmentation with neural fields" (MRes thesis, 2022), chapter 3 and section 2.3.4. "Open" is what it leaves open.
Everything was chosen on BSDS500 val and train, never on test.
"""

import dataclasses
from dataclasses import dataclass
from difflib import get_close_matches
from numbers import Integral, Real
from typing import Any

CHOICES: dict[str, tuple[Any, ...]] = {
    "layers": (0, 3, 4),
    "source": ("features", "reconstruction", "pixels"),
    "readout": ("disc", "neighbour"),
    "output": ("mean", "final"),
}
LIMITS: dict[str, tuple[float, float]] = {
    "filters": (1, 1024),
    "octaves": (0, 12),
    "iterations": (0, 1_000_000),
    "rate": (0.0, 1000.0),
    "clip": (0.0, 1e6),
    "slope": (0.0, 1.0),
    "heads": (1, 4096),
    "classes": (2, 64),
    "sharpness": (0.01, 1000.0),
    "head_iterations": (0, 1_000_000),
    "head_rate": (0.0, 1000.0),
    "head_clip": (0.0, 1e6),
    "distillation": (0.0, 1000.0),
    "distillation_start": (0.0, 1.0),
    "pairs": (0, 1_000_000_000),
    "final_iterations": (0, 1_000_000),
    "retention": (0.0, 1.0),
    "half_length": (0.01, 1000.0),
    "half_width": (0.01, 1000.0),
    "gain": (0.0, 1e6),
    "resolution": (0.05, 1.0),
    "seed": (0, 2**31 - 1),
}


class _Checked:
    """A frozen dataclass whose values are checked, and made plain Python numbers, when it is built."""

    def __post_init__(self) -> None:
        for own in dataclasses.fields(self):  # type: ignore[arg-type]  # of the subclasses, which are dataclasses
            value = _of_type(own.name, getattr(self, own.name), own.type)
            if isinstance(value, _Checked):  # a part of the bundle, of the same name as its first value
                continue
            if own.name in CHOICES and value not in CHOICES[own.name]:
                raise ValueError(_unknown(own.name, value, CHOICES[own.name]))
            if own.name in LIMITS:
                low, high = LIMITS[own.name]
                if not low <= value <= high:
                    raise ValueError(f"{own.name}: {value!r}, expected {low} to {high}")
            object.__setattr__(self, own.name, value)


@dataclass(frozen=True)
class FieldConfig(_Checked):
    """How a field is built and fitted to an image: coordinates -> features -> RGB.

    Raises
    ------
    ValueError
        If a value is of the wrong type, not one of its choices or outside its limits.

    Examples
    --------
    >>> FieldConfig(filters=16).layers
    4
    >>> FieldConfig(filters=True)
    Traceback (most recent call last):
    ValueError: filters: True, expected an integer
    """

    layers: int = 4  # of the encoder; the decoder has one fewer. 0: two fields, of 3 and of 4, in place of one.
    filters: int = 32  # of every convolution. Thesis: 128; on a CPU the time is better spent on iterations.
    octaves: int = 7  # Fourier octaves beside x and y, up to the pixel grid. Thesis: 0; that fits far more slowly.
    iterations: int = 400  # open; 200, 400, 600, 800 give ODS .709, .724, .726, .728 on 10 val images.
    rate: float = 2e-3  # learning rate, open; 3e-3 is no better, and no decay to 0 either.
    # Largest norm of the gradient; the thesis clips, where is open. The first gradients are fifty times the later ones
    # (1.6, then 0.03 to 0.06): clipped at 1, most are not; the error after 200 iterations is then 1.7 times larger.
    # As much with Adam as with AMSGrad; below 0.02 nothing is gained.
    clip: float = 0.02
    slope: float = 0.01  # of LeakyReLU below zero, open; the usual value.
    bfloat16: bool = True  # in the convolutions: half the time at equal error, on processors that can.


@dataclass(frozen=True)
class HeadsConfig(_Checked):
    """How the segmentation heads, and the final head, are fitted: features -> N soft segmentations of m classes.

    Raises
    ------
    ValueError
        As of `FieldConfig`.
    """

    source: str = "reconstruction"  # what they see. Thesis: the features; Lab of the field's colours scores far higher.
    heads: int = 64  # N, open; little gain from 16 on, none beyond 64, with the half-disc read-out.
    classes: int = 4  # m. Thesis: 4, for the four-colour theorem.
    sharpness: float = 1.0  # factor of the logits. Thesis: none, 1. Its read-out needs 16 (soft heads have contours of
    # 1 - 1/m everywhere); the half-disc read-out takes soft heads as well, or a little better.
    head_iterations: int = 50  # on the frozen features, open.
    head_rate: float = 0.1  # learning rate of the heads, open; 0.01 leaves them soft.
    head_clip: float = 1.0  # largest norm of their gradient.
    distillation: float = 1.0  # weight of the L1 to the mean contours, open; 0 to 1 changes little; harms sharp heads.
    distillation_start: float = 0.5  # "after some iterations": when this part of them is over.
    pairs: int = 1500  # neighbouring pixels compared in one iteration, drawn anew each time; 0 for all of them.

    # The final head: features -> one segmentation that has the mean contours.
    output: str = "mean"  # whose contours are the map: the mean over the heads, as in the thesis, or the final head's.
    final_iterations: int = 300  # open.
    centring: bool = True  # of its logits before the softmax. Thesis: yes, and shows what it does without.
    retention: float = 0.2  # part of the running mean that stays. Thesis: "means retention value".


@dataclass(frozen=True)
class ReadoutConfig(_Checked):
    """How segmentations become a contour map; lengths are in pixels of the image, whatever the working size.

    Raises
    ------
    ValueError
        As of `FieldConfig`.
    """

    readout: str = "disc"  # thesis: between neighbours.
    radii: tuple[int, ...] = (4, 6, 10, 16, 24)  # of the discs.
    half_length: float = 16.0  # of the parabola along the edge.
    half_width: float = 1.8  # of the same, across it.
    gain: float = 1.0  # of the final map, fixed: 1 is reached by the strongest contours of the strongest image.


@dataclass(frozen=True)
class CnfConfig(_Checked):
    """The whole contour method; the defaults are those of `cnf`.

    Raises
    ------
    ValueError
        As of `FieldConfig`.

    Examples
    --------
    >>> config = CnfConfig().changed(layers=3, heads=16, seed=1)
    >>> config.field.layers, config.heads.heads, config.seed
    (3, 16, 1)
    """

    # Thesis: 3 layers, 4, and the mean of both maps: 0.
    field: FieldConfig = dataclasses.field(default_factory=lambda: FieldConfig(layers=0))
    heads: HeadsConfig = dataclasses.field(default_factory=HeadsConfig)
    readout: ReadoutConfig = dataclasses.field(default_factory=ReadoutConfig)
    resolution: float = 0.5  # working size, a fraction of the image's. Open; 2.3.4 has images below 300 pixels.
    seed: int = 0  # of all randomness.

    def changed(self, **values: Any) -> "CnfConfig":
        """Return the same with other values, each by its own name, whichever part it belongs to.

        Raises
        ------
        ValueError
            If there is no such name, or a value is not allowed.
        """
        parts = {name: getattr(self, name) for name in PARTS}
        places = {own.name: name for name, part in parts.items() for own in dataclasses.fields(part)}
        places |= dict.fromkeys(("resolution", "seed"), "")
        own: dict[str, dict[str, Any]] = {name: {} for name in ("", *PARTS)}
        for name, value in values.items():
            if name not in places:
                raise ValueError(f"{name}: no such parameter{_hint(name, list(places))}")
            own[places[name]][name] = value
        changed = {name: dataclasses.replace(part, **own[name]) for name, part in parts.items()}
        return dataclasses.replace(self, **changed, **own[""])


PARTS = ("field", "heads", "readout")


def _of_type(name: str, value: Any, kind: Any) -> Any:
    """Return ``value`` as a plain Python ``kind``: an integer is a float, too, but a bool is neither."""
    if kind is bool:
        if isinstance(value, bool):
            return value
        raise ValueError(f"{name}: {value!r}, expected True or False")
    if kind is int:
        if isinstance(value, Integral) and not isinstance(value, bool):
            return int(value)
        raise ValueError(f"{name}: {value!r}, expected an integer")
    if kind is float:
        if isinstance(value, Real) and not isinstance(value, bool):
            return float(value)
        raise ValueError(f"{name}: {value!r}, expected a number")
    if kind is str:
        if isinstance(value, str):
            return value
        raise ValueError(_unknown(name, value, CHOICES[name]))
    if kind == tuple[int, ...]:
        if not isinstance(value, tuple) or not value:
            raise ValueError(f"{name}: {value!r}, expected a tuple of integers")
        return tuple(_of_type(name, one, int) for one in value)
    if not isinstance(value, kind):
        raise ValueError(f"{name}: {value!r}, expected {kind.__name__}")
    return value


def _unknown(name: str, value: Any, allowed: tuple[Any, ...]) -> str:
    return f"{name}: {value!r}, expected one of {', '.join(map(repr, allowed))}{_hint(value, allowed)}"


def _hint(value: Any, allowed: Any) -> str:
    near = (
        get_close_matches(value, [one for one in allowed if isinstance(one, str)], 1) if isinstance(value, str) else []
    )
    return f"; did you mean {near[0]!r}?" if near else ""


# The named detectors: `cnf`, as short as it is for demonstrations, and to the letter of the thesis, but for half its
# filters and half its size, which want a GPU.
CNF = CnfConfig()
CNF_FAST = CNF.changed(layers=4, iterations=200)
CNF_THESIS = CNF.changed(source="features", readout="neighbour", octaves=0, filters=64, heads=32)
CNF_UCM = CNF
CNF_SEGMENTATION = CNF.changed(layers=4, output="final")
CONSENSUS = CNF.changed(layers=4, source="pixels", heads=32)
