"""Every constant of the method in one place: the thesis' value where it gives one, our choice and its reason elsewhere.

"Thesis" is Malik, "Contour detection and unsupervised image segmentation with neural fields" (MRes thesis, 2022),
chapter 3 and section 2.3.4. "Open" is what it leaves open. Chosen on BSDS500 val and train, never on test.
"""

from dataclasses import dataclass, fields

CHOICES = {
    "layers": (0, 3, 4),
    "source": ("features", "reconstruction", "pixels"),
    "readout": ("disc", "neighbour"),
    "output": ("mean", "final"),
}
LIMITS = {
    "filters": (1, 1024),
    "octaves": (0, 12),
    "iterations": (0, 1_000_000),
    "resolution": (0.05, 1.0),
    "heads": (1, 4096),
    "classes": (2, 64),
    "sharpness": (0.01, 1000.0),
    "head_iterations": (0, 1_000_000),
    "final_iterations": (0, 1_000_000),
    "distillation": (0.0, 1000.0),
    "distillation_start": (0.0, 1.0),
    "pairs": (0, 1_000_000_000),
    "retention": (0.0, 1.0),
    "seed": (0, 2**31 - 1),
}


@dataclass(frozen=True)
class CnfConfig:
    """How fields and heads are built, fitted to one image and read out; the defaults are those of `cnf`.

    Raises
    ------
    ValueError
        If a value is not one of its choices or outside its limits.
    """

    # The field: coordinates -> features -> RGB.
    layers: int = 0  # encoder layers, the decoder has one fewer. Thesis: 3, 4, and the mean of both maps, here 0.
    filters: int = 32  # per convolution. Thesis: 128; on a CPU the time is better spent on iterations.
    octaves: int = 7  # Fourier octaves beside x and y, up to the pixel grid. Thesis: 0; that fits far more slowly.
    iterations: int = 400  # open; 200, 400, 600, 800 give ODS .709, .724, .726, .728 on 10 val images.
    rate: float = 2e-3  # learning rate, open; 3e-3 is no better, and no decay to 0 either.
    # Largest norm of the gradient; the thesis clips, where is open. The first gradients are fifty times the later ones
    # (1.6, then 0.03 to 0.06): clipped at 1, most are not; the error after 200 iterations is then 1.7 times larger.
    # As much with Adam as with AMSGrad; below 0.02 nothing is gained.
    clip: float = 0.02
    slope: float = 0.01  # of LeakyReLU below zero, open; the usual value.
    resolution: float = 0.5  # working size, a fraction of the image's. Open; 2.3.4 has images below 300 pixels.

    # The heads: features -> N soft segmentations of m classes.
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

    # The read-out: segmentations -> contour map.
    readout: str = "disc"  # thesis: between neighbours.
    radii: tuple[int, ...] = (4, 6, 10, 16, 24)  # of the discs, in pixels of the image.
    half_length: float = 16.0  # of the along-edge parabola, in pixels of the image.
    half_width: float = 1.8
    gain: float = (
        1.0  # of the final map, fixed: the value 1 is reached by the strongest contours of the strongest image.
    )

    # How it is computed.
    bfloat16: bool = True  # in the convolutions: half the time at equal error, on processors that can.
    seed: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.type is int and not isinstance(getattr(self, field.name), int):
                raise ValueError(f"{field.name}: {getattr(self, field.name)!r}, expected an integer")
        for name, allowed in CHOICES.items():
            value = getattr(self, name)
            if value not in allowed:
                raise ValueError(f"{name}: {value!r}, expected one of {', '.join(map(repr, allowed))}")
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name}: {value!r}, expected {low} to {high}")
