"""The usual tolerance of each data set, as papers use it."""

from typing import NamedTuple


class Preset(NamedTuple):
    """Matching tolerance as a fraction of the image diagonal, and what to know."""

    max_dist: float
    note: str


PRESETS = {
    "bsds500": Preset(0.0075, "images/<split>, groundTruth/<split>/*.mat"),
    "bsds300": Preset(0.0075, "images/<split>, human/{color,gray}/<annotator>/*.seg"),
    "nyudv2": Preset(0.011, "<split>/Images, <split>/groundTruth/*.mat"),
    "multicue": Preset(0.0075, "images, and edges or boundaries of several annotators: x_1.png, x_2.png ..."),
    "biped": Preset(0.0075, "BIPED and BIPEDv2: edges/imgs/<split>/rgbr, edges/edge_maps/<split>/rgbr"),
    "pascal-context": Preset(0.0075, "JPEGImages, trainval/*.mat with LabelMap"),
    "sbd": Preset(0.02, "own folders of images and contour maps"),
    "cityscapes": Preset(0.0035, "own folders; 0.0035 for thin contours, 0.02 for raw ones"),
}
