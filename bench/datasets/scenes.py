"""The built-in data set: small synthetic scenes whose true contours are known.

Occluding shapes in the manner of the dead-leaves model (Lee, Mumford & Huang, "Occlusion models for natural images",
IJCV 2001): sizes follow a power law, nearer shapes hide farther ones. Shapes are shaded and textured, the picture is
lit unevenly, blurred and noisy. Several "annotators" see each scene at their own level of detail: they skip shapes that
are small, miss some, and draw with a smooth jitter of about a pixel, so that detectors' scores behave as on real data.
The same number gives the same scene for ever: all randomness comes from ``RandomState``, whose streams are frozen.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from ...eval.boundaries import label_boundaries
from ...eval.thinning import thin
from ..errors import UserError
from .base import SPLITS, Dataset

SHAPE = (160, 240)
N_LEAVES = 45
N_SCENES = 20
# Smallest visible shape that an annotator draws, as a fraction of the image, and how often a shape is missed.
ANNOTATORS = ((0.0008, 0.02), (0.002, 0.05), (0.005, 0.08), (0.012, 0.10), (0.03, 0.15))


class Leaf(NamedTuple):
    """One shape: where it would be seen if nothing hid it, and its look before light and lens."""

    mask: NDArray[np.bool_]
    colours: NDArray[np.float64]


class Scene(NamedTuple):
    """A rendered scene: (H, W, 3) uint8 image, (G, H, W) bool contours and the (G, H, W) regions they bound."""

    image: NDArray[np.uint8]
    ground_truth: NDArray[np.bool_]
    segmentations: NDArray[np.int64]


class Scenes(Dataset):
    """Synthetic scenes; ``train``, ``val`` and ``test`` are different ones."""

    name = "scenes"
    is_sound = True

    def __init__(self, split: str) -> None:
        if split not in SPLITS:
            raise UserError(f"the scenes have {', '.join(SPLITS)}", parameter="split", value=split)
        self.split = split
        self.ids = tuple(f"scene{i:03d}" for i in range(1, N_SCENES + 1))

    def image(self, image_id: str) -> NDArray[np.uint8]:
        """Return the (H, W, 3) RGB image."""
        return self._scene(image_id).image

    def ground_truth(self, image_id: str) -> NDArray[np.bool_]:
        """Return the (G, H, W) contours, one layer per annotator."""
        return self._scene(image_id).ground_truth

    def segmentations(self, image_id: str) -> list[NDArray[np.int64]]:
        """Return the annotators' (H, W) label maps."""
        return list(self._scene(image_id).segmentations)

    def _scene(self, image_id: str) -> Scene:
        return render_scene(1000 * SPLITS.index(self.split) + int(image_id[-3:]))


@lru_cache(maxsize=4)
def render_scene(seed: int) -> Scene:
    """Return the scene of this number."""
    random = RandomState(seed)
    leaves = [Leaf(np.ones(SHAPE, bool), _surface(random))]
    leaves += [Leaf(_leaf_mask(random), _surface(random)) for _ in range(N_LEAVES)]
    image = _photograph(leaves, random)
    regions = np.stack([_annotate(leaves, detail, missed, random) for detail, missed in ANNOTATORS])
    scene = Scene(image, np.stack([thin(label_boundaries(labels)) for labels in regions]), regions)
    for array in scene:
        array.setflags(write=False)
    return scene


def visible(leaves: list[Leaf], drawn: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return for each pixel the index of the nearest drawn leaf; later leaves are nearer."""
    labels = np.zeros(SHAPE, np.int64)
    for i, leaf in enumerate(leaves):
        if drawn[i]:
            labels[leaf.mask] = i
    return labels


def _leaf_mask(random: RandomState) -> NDArray[np.bool_]:
    """A blob, ellipse or box: radius from a power law, outline from a few harmonics or a norm."""
    height, width = SHAPE
    smallest, largest = 5.0, 70.0
    radius = 1 / np.sqrt(random.uniform(1 / largest**2, 1 / smallest**2)) if random.uniform() < 0.6 else None
    radius = random.uniform(10, largest) if radius is None else radius
    centre = random.uniform(-0.1, 1.1, 2) * SHAPE
    turn, stretch = random.uniform(0, np.pi), random.uniform(0.45, 1.0)
    y, x = np.mgrid[:height, :width] - centre[:, None, None]
    u = (x * np.cos(turn) + y * np.sin(turn)) / radius
    v = (y * np.cos(turn) - x * np.sin(turn)) / (radius * stretch)
    if random.uniform() < 0.3:
        return np.maximum(np.abs(u), np.abs(v)) < 0.85
    angle = np.arctan2(v, u)
    outline = 1.0 + sum(
        random.normal(0, 0.25 / k) * np.cos(k * angle + random.uniform(0, 2 * np.pi)) for k in range(2, 6)
    )
    return np.hypot(u, v) < outline


def _surface(random: RandomState) -> NDArray[np.float64]:
    """(H, W, 3) colours of a shape: a muted colour, shaded to one side, with a texture of grain or stripes."""
    height, width = SHAPE
    y, x = np.mgrid[:height, :width]
    colour = np.clip(random.beta(2, 2) + random.normal(0, 0.10, 3), 0.03, 0.97)
    heading = random.uniform(0, 2 * np.pi)
    across = (x * np.cos(heading) + y * np.sin(heading)) / width
    shade = random.normal(0, 0.12) * across
    kind, strength = random.uniform(), abs(random.normal(0, 0.07))
    if kind < 0.35:
        texture = np.sin(2 * np.pi * across * width / random.uniform(4, 14))
    elif kind < 0.75:
        texture = gaussian_filter(random.normal(size=SHAPE), random.uniform(0.8, 3.0))
        texture /= texture.std()
    else:
        texture = np.zeros(SHAPE)
    return colour + (shade + strength * texture)[:, :, np.newaxis]


def _photograph(leaves: list[Leaf], random: RandomState) -> NDArray[np.uint8]:
    """Stack the leaves, light them, and take the picture with blur and noise."""
    labels = visible(leaves, np.ones(len(leaves), bool))
    picture = np.zeros((*SHAPE, 3))
    for i, leaf in enumerate(leaves):
        seen = labels == i
        picture[seen] = leaf.colours[seen]
    light = gaussian_filter(random.normal(size=SHAPE), 40, mode="reflect")
    picture *= 1 + 0.15 * (light / light.std())[:, :, np.newaxis]
    picture = gaussian_filter(picture, (random.uniform(0.5, 1.1),) * 2 + (0,))
    picture += random.normal(0, random.uniform(0.01, 0.04), picture.shape)
    return np.rint(255 * np.clip(picture, 0, 1)).astype(np.uint8)


def _annotate(leaves: list[Leaf], detail: float, missed: float, random: RandomState) -> NDArray[np.int64]:
    """Regions as one annotator draws them."""
    shown = np.bincount(visible(leaves, np.ones(len(leaves), bool)).ravel(), minlength=len(leaves))
    drawn = (shown >= detail * shown.sum()) & (random.uniform(size=len(leaves)) >= missed)
    jitter = gaussian_filter(random.normal(size=(2, *SHAPE)), (0, 6, 6), mode="reflect")
    jitter *= 0.9 / jitter.std()
    where = np.mgrid[: SHAPE[0], : SHAPE[1]] + jitter
    return map_coordinates(visible(leaves, drawn), where, order=0, mode="nearest")
