"""The usual tolerance of each data set, as papers use it."""

from typing import NamedTuple


class Tolerance(NamedTuple):
    """Matching tolerance as a fraction of the image diagonal, and the layout of files that is read."""

    max_dist: float
    layout: str


TOLERANCES = {
    "bsds500": Tolerance(0.0075, "images/<split>, groundTruth/<split>/*.mat"),
    "bsds300": Tolerance(0.0075, "images/<split>, human/{color,gray}/<annotator>/*.seg"),
    "nyudv2": Tolerance(0.011, "<split>/Images, <split>/groundTruth/*.mat"),
    "multicue": Tolerance(
        0.0075, "images, ground-truth/images/{boundaries,edges}/x.1.png …: `split=boundaries` or edges"
    ),
    "biped": Tolerance(0.0075, "edges/imgs/<split>/rgbr, edges/edge_maps/<split>/rgbr (also BIPEDv2)"),
    "pascal-context": Tolerance(0.0075, "JPEGImages, trainval/*.mat with LabelMap"),
    "sbd": Tolerance(0.02, "img, cls/*.mat with GTcls: `images=val.txt`"),
    "cityscapes": Tolerance(0.0035, "own folders; 0.0035 for thin contours, 0.02 for raw ones"),
}
