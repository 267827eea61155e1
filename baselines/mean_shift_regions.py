"""Regions of a mean-shift filtered image: connect pixels of one colour, fuse similar regions, prune small ones.

Pixels connect to 8 neighbours, regions are adjacent where they share a side of a pixel, both as in EDISON; a region
that is not the whole image always has an adjacent one. Pruning works on the graph of regions, not on the image.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

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


def _distinct(pairs):
    """Sort pairs and drop doubles and those of one label with itself."""
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    base = pairs.max(initial=0) + 1  # one number per pair sorts much faster than rows
    keys = np.unique(pairs.min(axis=1) * base + pairs.max(axis=1))
    return np.stack(np.divmod(keys, base), axis=1)


def _pooled(colours, areas, new):
    """Mean colours, weighted by area, and areas of the regions that old ones become under ``new``."""
    pooled = np.bincount(new, weights=areas).astype(np.int64)
    sums = np.stack([np.bincount(new, weights=areas * channel) for channel in colours.T], axis=1)
    return sums / pooled[:, np.newaxis], pooled


@njit(cache=True, nogil=True)
def _nearest(colours, pairs):
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


@njit(cache=True, nogil=True)
def _joined(count, pairs):
    """Join all ``pairs`` (union-find); return each region's new label, 0 … in order of their lowest old ones."""
    parent = np.arange(count)
    for k in range(len(pairs)):
        a, b = pairs[k]
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        while parent[b] != b:
            parent[b] = parent[parent[b]]
            b = parent[b]
        parent[max(a, b)] = min(a, b)
    new = np.empty(count, np.int64)
    found = 0
    for a in range(count):
        if parent[a] == a:
            new[a] = found
            found += 1
        else:
            new[a] = new[parent[a]]  # a parent is lower than its child, so it has its label by now
    return new


@njit(cache=True, nogil=True)
def _flat_zones(filtered):
    """Label 8-connected zones without a step of SAME_COLOUR in any channel; also return their first pixels, flat."""
    height, width = filtered.shape[:2]
    labels = np.full((height, width), -1, np.int32)
    stack = np.empty((height * width, 2), np.int64)
    seeds = []
    for p in range(height * width):
        if labels[p // width, p % width] >= 0:
            continue
        labels[p // width, p % width] = len(seeds)
        stack[0] = p // width, p % width
        size = 1
        while size > 0:
            size -= 1
            y, x = stack[size]
            for v in range(max(0, y - 1), min(height, y + 2)):
                for u in range(max(0, x - 1), min(width, x + 2)):
                    if labels[v, u] < 0 and _same_colour(filtered[v, u], filtered[y, x]):
                        labels[v, u] = len(seeds)
                        stack[size] = v, u
                        size += 1
        seeds.append(p)
    return labels, np.array(seeds)


@njit(cache=True, nogil=True)
def _same_colour(a, b):
    return abs(a[0] - b[0]) < SAME_COLOUR and abs(a[1] - b[1]) < SAME_COLOUR and abs(a[2] - b[2]) < SAME_COLOUR
