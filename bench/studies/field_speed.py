"""How fast neural fields are fitted: in batches, one image after the other, and against what the device can do.

    python -m contourbench.bench.studies.field_speed --data BSDS500 --out results/speed --device cuda --batch 16 \
        --images 32 --peak 989e12

Fields and heads of `cnf` are timed, without read-out, after a short run in which libraries load. Writes
``field_speed.json`` and ``field_speed.md``. ``--peak`` is what the device is said to reach in bfloat16, in operations
per second, such as 989e12 of an H100 or H200; fields alone are measured by ``--heads 1 --head-iterations 0``.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from numpy.typing import ArrayLike

from ...cnf_contours.config import CNF, CnfConfig
from ..datasets.opening import open_dataset
from ..files.atomic import write_json, write_text

if TYPE_CHECKING:
    import torch


class Measurement(NamedTuple):
    """How fast segmentations are made, fields and heads without read-out; see `measure`."""

    images_per_second: float  # in batches
    images_per_second_alone: float  # one after the other
    gain: float  # the first / the second
    flops_per_image: int  # of the fields' convolutions
    fraction_of_peak: float | None  # reached by them in batches, of the time of everything; None without a peak
    peak_bytes: int | None  # largest CUDA memory in batches; None on the CPU


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="contourbench.bench.studies.field_speed", description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", type=Path, default=Path("results/speed"))
    parser.add_argument("--split", default="val")
    parser.add_argument("--images", type=int, default=16, help="how many")
    parser.add_argument("--alone", type=int, default=2, help="how many of them also one after the other")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--peak", type=float, help="operations per second that the device is said to reach")
    parser.add_argument("--iterations", type=int, default=CNF.field.iterations)
    parser.add_argument("--heads", type=int, default=CNF.heads.heads)
    parser.add_argument("--head-iterations", type=int, default=CNF.heads.head_iterations)
    options = parser.parse_args(arguments)
    dataset = open_dataset(options.data, options.split)
    images = [dataset.image(image_id) for image_id in dataset.ids[: options.images]]
    config = CNF.changed(iterations=options.iterations, heads=options.heads, head_iterations=options.head_iterations)
    found = measure(images, config, options.device, options.batch, options.peak, options.alone)
    setting = {"device": device_name(options.device), "images": len(images), "batch": options.batch}
    write_json(options.out / "field_speed.json", {**setting, **found._asdict()})
    text = table(found, setting)
    write_text(options.out / "field_speed.md", text)
    print(text, end="")


def measure(
    images: Sequence[ArrayLike],
    config: CnfConfig,
    device: str = "auto",
    batch: int = 16,
    peak: float | None = None,
    alone: int = 2,
) -> Measurement:
    """Measure fields and heads of many images, in batches and one after the other, after a warm-up of each.

    Parameters
    ----------
    images : sequence of (H, W, 3) uint8 arrays
        RGB.
    config : CnfConfig
        The method's constants.
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
    batch : int
        At most so many images at once.
    peak : float, optional
        Operations per second that the device is said to reach in the precision of the convolutions.
    alone : int
        How many images, the first ones, are also timed one after the other.

    Returns
    -------
    Measurement
        The fraction of the peak is of the time of everything, heads and transfers too.

    Raises
    ------
    ValueError
        If an image is not (H, W, 3) uint8, the device is missing, or there is nothing to measure.
    """
    from ...cnf_contours.contours.batches import lying, segment_batch
    from ...cnf_contours.contours.pipeline import segment_image
    from ...cnf_contours.devices import find_device
    from ...cnf_contours.images import check_image

    if not len(images) or alone < 1:
        raise ValueError(f"images: {len(images)}, alone: {alone}, expected at least one of each")
    arrays, place = [check_image(image) for image in images], find_device(device)

    def together(settings: CnfConfig) -> None:
        for _ in segment_batch(arrays, settings, device, batch):
            pass

    def one_by_one(settings: CnfConfig) -> None:
        for array in arrays[:alone]:
            segment_image(array, settings, place)

    seconds, peak_bytes = _timed(together, config, place)
    seconds_alone, _ = _timed(one_by_one, config, place)
    flops = [field_flops(config, *lying(array, config.resolution).shape[1:]) for array in arrays]
    speed, speed_alone = len(arrays) / seconds, len(arrays[:alone]) / seconds_alone
    fraction = None if peak is None else sum(flops) / seconds / peak
    return Measurement(speed, speed_alone, speed / speed_alone, sum(flops) // len(flops), fraction, peak_bytes)


def field_flops(config: CnfConfig, height: int, width: int) -> int:
    """Return the floating-point operations of the convolutions of one image's fields, over the whole fit.

    Parameters
    ----------
    config : CnfConfig
        Uses what concerns the field, and ``source``.
    height, width : int
        Of the working image.

    Returns
    -------
    int
        A multiplication and an addition are two. The backward pass does each convolution twice more, for its input and
        for its weights, but for the first, whose input has no gradient; after the fit there is one more forward pass.
        0 where there is no field.
    """
    from ...cnf_contours.contours.pipeline import scales_of

    if config.heads.source == "pixels":
        return 0
    return sum(_flops(scale, height, width) for scale in scales_of(config))


def table(found: Measurement, setting: dict[str, object]) -> str:
    """Return the measurement as a Markdown table."""
    rows = [(name.replace("_", " "), value) for name, value in {**setting, **found._asdict()}.items()]
    shown = [(name, f"{value:.3g}" if isinstance(value, float) else str(value)) for name, value in rows]
    lines = [f"| {name} | {'–' if value == 'None' else value} |" for name, value in shown]
    return "\n".join(["# How fast fields are fitted", "", "| what | value |", "| --- | --- |", *lines]) + "\n"


def device_name(device: str) -> str:
    """Return what the device calls itself: the card's name, or the kind of processor."""
    import platform

    import torch

    from ...cnf_contours.devices import find_device

    place = find_device(device)
    return torch.cuda.get_device_name(place) if place.type == "cuda" else platform.processor() or platform.machine()


def _flops(config: CnfConfig, height: int, width: int) -> int:
    """Operations of one field, `field_flops` for 3 or 4 layers."""
    import torch

    from ...cnf_contours.field import coordinates

    own = config.field
    grid = coordinates(height, width, own.octaves, 2 ** (own.layers - 1), torch.device("meta"))
    cells = grid.shape[2] * grid.shape[3]
    halved = [cells // 4**i for i in range(own.layers)]  # cells after each layer of the encoder
    first = 2 * 9 * grid.shape[1] * own.filters * cells
    others = sum(2 * 9 * own.filters**2 * n for n in halved[1:] + halved[:-1])  # encoder down, decoder up again
    colours = 2 * own.filters * 3 * cells
    forward = first + others + colours
    return own.iterations * (3 * forward - first) + forward


def _timed(work: Callable[[CnfConfig], None], config: CnfConfig, device: "torch.device") -> tuple[float, int | None]:
    """Return the seconds of ``work`` and its peak of CUDA memory, after a short run in which libraries load."""
    import torch

    cuda = device.type == "cuda"
    work(config.changed(iterations=min(3, config.field.iterations)))
    if cuda:
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
    started = time.perf_counter()
    work(config)
    if cuda:
        torch.cuda.synchronize(device)
    return time.perf_counter() - started, torch.cuda.max_memory_allocated(device) if cuda else None


if __name__ == "__main__":
    main()
