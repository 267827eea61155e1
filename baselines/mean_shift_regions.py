"""Regions of a mean-shift filtered image: connect pixels of one colour, fuse similar regions, prune small ones.

Pixels connect to 8 neighbours, regions are adjacent where they share a side of a pixel, both as in EDISON; a region
that is not the whole image always has an adjacent one. Pruning works on the graph of regions, not on the image.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from .grid_graph import ends, half_stencil, link_ends, starts

# Neighbouring pixels whose L*, u* and v* differ by less than this have one colour.
SAME_COLOUR = 0.1
# L* above which differences of L* count double.
LIGHT = 80
# EDISON repeats fusion until a repetition has joined something. One that joins nothing would for ever, so it is two.
FUSIONS = 2


class Regions(NamedTuple):
    """A label map (H, W) int32 with labels 0 … R - 1 in raster order, each region's mean L*u*v* (R, 3), its area (R,).

    The colour is the mean over modes, not over pixels.
    """

    labels: NDArray[np.int32]
    colours: NDArray[np.float64]
    areas: NDArray[np.int64]


def connect(filtered: NDArray[np.float64]) -> Regions:
    """Return the regions of a filtered image, (H, W, 3) L*u*v*: flat zones, each with the colour of its first pixel."""
    labels, seeds = _flat_zones(filtered)
    return Regions(labels, filtered.reshape(-1, 3)[seeds], np.bincount(labels.ravel()))


def fuse(regions: Regions, colour: float) -> Regions:
    """Join adjacent regions whose colours are less than half of ``colour`` apart, and what they join in turn.

    ``colour`` is the bandwidth of the filter in L*u*v* units. Colours are compared as they were before any joining, so
    that a chain of small differences joins its ends; then once more, as they are after it.
    """
    for _ in range(FUSIONS):
        pairs = adjacent(regions.labels)
        first, second = regions.colours[pairs].transpose(1, 0, 2)
        weight = np.where((first[:, 0] > LIGHT) & (second[:, 0] > LIGHT), 4, 1)
        squared = (first - second) ** 2
        near = weight * squared[:, 0] + squared[:, 1] + squared[:, 2] < (colour / 2) ** 2
        new = _joined(len(regions.areas), pairs[near])
        colours, areas = _pooled(regions.colours, regions.areas, new)
        regions = Regions(new[regions.labels].astype(np.int32), colours, areas)
    return regions


def prune(regions: Regions, area: int) -> Regions:
    """Merge every region of less than ``area`` pixels into its adjacent region of the nearest colour.

    All small regions do so at once (of equally near ones, into that with the lowest label), then colours are taken
    anew, until no small region, or only one region, remains. Each round joins every small region to another, so the
    number of them at least halves.
    """
    labels, colours, areas = regions
    pairs = adjacent(labels)
    now = np.arange(len(areas))  # what each of the first regions has become
    while len(areas) > 1 and areas.min() < area:
        small = np.flatnonzero(areas < area)
        new = _joined(len(areas), np.stack([small, _nearest(colours, pairs)[small]], axis=1))
        colours, areas = _pooled(colours, areas, new)
        now, pairs = new[now], _distinct(new[pairs])
    return Regions(now[labels].astype(np.int32), colours, areas)


def adjacent(labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the pairs of labels, (E, 2), that share a side of a pixel: sorted, each once, the lower label first."""
    across = np.stack([labels[:, :-1].ravel(), labels[:, 1:].ravel()], axis=1)
    down = np.stack([labels[:-1].ravel(), labels[1:].ravel()], axis=1)
    return _distinct(np.concatenate([across, down]).astype(np.int64))


def _distinct(pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sort pairs and drop doubles and those of one label with itself."""
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    base = pairs.max(initial=0) + 1  # one number per pair sorts much faster than rows
    keys = np.unique(pairs.min(axis=1) * base + pairs.max(axis=1))
    return np.stack(np.divmod(keys, base), axis=1)


def _pooled(
    colours: NDArray[np.float64], areas: NDArray[np.int64], new: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Mean colours, weighted by area, and areas of the regions that old ones become under ``new``."""
    pooled = np.bincount(new, weights=areas).astype(np.int64)
    sums = np.stack([np.bincount(new, weights=areas * channel) for channel in colours.T], axis=1)
    return sums / pooled[:, np.newaxis], pooled


@njit(cache=True, nogil=True)
def _nearest(colours: NDArray[np.float64], pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each region the adjacent one of the nearest colour; pairs being sorted, the lowest label of equals."""
    nearest = np.full(len(colours), -1)
    least = np.full(len(colours), np.inf)
    for k in range(len(pairs)):
        a, b = pairs[k]
        distance = ((colours[a] - colours[b]) ** 2).sum()
        if distance < least[a]:
            least[a], nearest[a] = distance, b
        if distance < least[b]:
            least[b], nearest[b] = distance, a
    return nearest


def _joined(count: int, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Join all ``pairs``, (E, 2); return each region's new label, (count,), in order of their lowest old ones."""
    links = sparse.coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return connected_components(links, directed=False)[1].astype(np.int64)  # `_distinct` multiplies labels


def _flat_zones(filtered: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Label 8-connected zones without a step of SAME_COLOUR in any channel; also return their first pixels, flat."""
    shape, pairs = filtered.shape[:2], []
    channels = np.ascontiguousarray(np.moveaxis(filtered, 2, 0))
    for step in half_stencil(1.5):
        differences = np.abs(channels[:, *starts(shape, step)] - channels[:, *ends(shape, step)])
        same = (differences.max(axis=0) < SAME_COLOUR).ravel()
        pairs.append(np.stack([nodes[same] for nodes in link_ends(shape, step)], axis=1))
    labels = _joined(shape[0] * shape[1], np.concatenate(pairs))
    return labels.astype(np.int32).reshape(shape), np.unique(labels, return_index=True)[1]
