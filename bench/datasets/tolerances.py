"""The usual tolerance of each data set, as papers use it."""

from typing import NamedTuple


class Preset(NamedTuple):
    """Matching tolerance as a fraction of the image diagonal, and the layout that is read."""

    max_dist: float
    layout: str


PRESETS = {
    "bsds500": Preset(0.0075, "images/<split>, groundTruth/<split>/*.mat"),
    "bsds300": Preset(0.0075, "images/<split>, human/{color,gray}/<annotator>/*.seg"),
    "nyudv2": Preset(0.011, "<split>/Images, <split>/groundTruth/*.mat"),
    "multicue": Preset(0.0075, "images, ground-truth/images/{boundaries,edges}/x.1.png …: --split boundaries or edges"),
    "biped": Preset(0.0075, "edges/imgs/<split>/rgbr, edges/edge_maps/<split>/rgbr (also BIPEDv2)"),
    "pascal-context": Preset(0.0075, "JPEGImages, trainval/*.mat with LabelMap"),
    "sbd": Preset(0.02, "own folders of images and contour maps"),
    "cityscapes": Preset(0.0035, "own folders; 0.0035 for thin contours, 0.02 for raw ones"),
}
