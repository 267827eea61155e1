"""Slow twins of the kernels, written from the definitions."""

from itertools import combinations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import maximum_bipartite_matching, min_weight_full_bipartite_matching


def pairs_within(pred, gt, tolerance):
    """All (predicted pixel, true pixel, distance in hundredths) within the tolerance, by flat position."""
    width = pred.shape[1]
    found = []
    for p in np.flatnonzero(pred):
        for g in np.flatnonzero(gt):
            squared = (p // width - g // width) ** 2 + (p % width - g % width) ** 2
            if squared <= (tolerance * (1 + 1e-9)) ** 2:
                found.append((int(p), int(g), int(np.rint(100 * np.sqrt(squared)))))
    return found


def cardinality(pred, gt, tolerance):
    """Most pairs possible, by SciPy."""
    found = pairs_within(pred, gt, tolerance)
    if not found:
        return 0
    rows, cols, _ = zip(*found, strict=True)
    graph = coo_array((np.ones(len(found)), (rows, cols)), shape=(pred.size, gt.size)).tocsr()
    return int(np.sum(maximum_bipartite_matching(graph, perm_type="column") >= 0))


def least_distance(pred, gt, tolerance):
    """Least total distance, in hundredths, among the matchings of most pairs, by SciPy.

    Every predicted pixel gets a dummy partner of its own at a cost above any path; weights are shifted by one, as a
    weight of zero would be no edge.
    """
    found = pairs_within(pred, gt, tolerance)
    if not found:
        return 0
    rows = {p: i for i, p in enumerate(sorted({p for p, _, _ in found}))}
    cols = {g: i for i, g in enumerate(sorted({g for _, g, _ in found}))}
    dummy = 1 + (len(rows) + 1) * max(d for _, _, d in found)
    triples = [(rows[p], cols[g], d + 1) for p, g, d in found] + [(i, len(cols) + i, dummy + 1) for i in rows.values()]
    i, j, weight = zip(*triples, strict=True)
    graph = coo_array((np.array(weight, float), (i, j)), shape=(len(rows), len(cols) + len(rows))).tocsr()
    chosen_rows, chosen_cols = min_weight_full_bipartite_matching(graph)
    total = graph[chosen_rows, chosen_cols].sum() - len(rows)
    unmatched = int(np.sum(chosen_cols >= len(cols)))
    return round(float(total) - unmatched * dummy)


def first_optimal_rows(pred, gt, tolerance):
    """By trying all subsets: the matched predicted pixels of the optimum that come first in raster order."""
    n_pairs, distance = cardinality(pred, gt, tolerance), least_distance(pred, gt, tolerance)
    for chosen in combinations(np.flatnonzero(pred), n_pairs):  # in lexicographic order
        subset = np.zeros_like(pred)
        subset.flat[list(chosen)] = True
        if cardinality(subset, gt, tolerance) == n_pairs and least_distance(subset, gt, tolerance) == distance:
            return sorted(int(p) for p in chosen)
    raise AssertionError("no optimum found")


def thin(mask):
    """Both sub-iterations from the conditions of the paper, pixel by pixel."""
    image = np.pad(mask, 1).astype(int)
    changed = True
    while changed:
        changed = False
        for second in (False, True):
            doomed = []
            for r in range(1, image.shape[0] - 1):
                for c in range(1, image.shape[1] - 1):
                    if image[r, c] and _deletable(image, r, c, second):
                        doomed.append((r, c))
            for pixel in doomed:
                image[pixel] = 0
            changed = changed or bool(doomed)
    return image[1:-1, 1:-1].astype(bool)


def _deletable(image, r, c, second):
    x1, x2, x3, x4 = image[r, c + 1], image[r - 1, c + 1], image[r - 1, c], image[r - 1, c - 1]
    x5, x6, x7, x8 = image[r, c - 1], image[r + 1, c - 1], image[r + 1, c], image[r + 1, c + 1]
    crossings = sum(not a and (b or d) for a, b, d in ((x1, x2, x3), (x3, x4, x5), (x5, x6, x7), (x7, x8, x1)))
    n1 = (x1 | x2) + (x3 | x4) + (x5 | x6) + (x7 | x8)
    n2 = (x2 | x3) + (x4 | x5) + (x6 | x7) + (x8 | x1)
    side = (x6 | x7 | (1 - x4)) & x5 if second else (x2 | x3 | (1 - x8)) & x1
    return crossings == 1 and 2 <= min(n1, n2) <= 3 and not side


def boundaries(labels):
    """The official definition: a grid twice as fine, with edges between pixels, sampled at lower right corners."""
    h, w = labels.shape
    fine = np.zeros((2 * h + 1, 2 * w + 1), bool)
    for r in range(h):
        for c in range(w):
            fine[2 * r + 2, 2 * c + 1] = r + 1 < h and labels[r, c] != labels[r + 1, c]
            fine[2 * r + 1, 2 * c + 2] = c + 1 < w and labels[r, c] != labels[r, c + 1]
    for r in range(2, 2 * h, 2):
        for c in range(2, 2 * w, 2):
            fine[r, c] = fine[r - 1, c] or fine[r + 1, c] or fine[r, c - 1] or fine[r, c + 1]
    fine[0], fine[:, 0] = fine[1], fine[:, 1]
    fine[-1], fine[:, -1] = fine[-2], fine[:, -2]
    return fine[2::2, 2::2]


def hysteresis(strength, low, high):
    """Pixels of at least ``low`` that are 8-connected through such pixels to one of at least ``high``."""
    kept = strength >= high
    while True:
        grown = kept.copy()
        for r, c in np.argwhere(kept):
            near = np.s_[max(r - 1, 0) : r + 2, max(c - 1, 0) : c + 2]
            grown[near] |= strength[near] >= low
        if np.array_equal(grown, kept):
            return kept
        kept = grown


def suppress(strength, normal, radius, tolerance):
    """Compare each pixel with points along its normal, interpolated by SciPy."""
    from scipy.ndimage import map_coordinates

    rows, cols = np.mgrid[: strength.shape[0], : strength.shape[1]]
    kept = np.ones(strength.shape, bool)
    for step in [*range(-radius, 0), *range(1, radius + 1)]:
        where = [rows + step * np.sin(normal), cols + step * np.cos(normal)]
        beside = map_coordinates(strength, where, order=1, mode="nearest")
        kept &= strength * tolerance >= beside - 1e-12
    return np.where(kept, strength, 0)


def best_f(recall, precision):
    """Best F of straight lines between points, 100 steps each, first of equals."""
    best = 0.0
    for i in range(1, len(recall)):
        for d in np.linspace(0, 1, 100):
            r = recall[i] * d + recall[i - 1] * (1 - d)
            p = precision[i] * d + precision[i - 1] * (1 - d)
            best = max(best, 2 * p * r / (p + r) if p + r else 0.0)
    return best
