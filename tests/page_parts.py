"""What the tests of the page share: reading runs, and the numbers and pictures inside a page."""

import base64
import io
import json
import re
from pathlib import Path

import numpy as np
from contourbench.bench.runs.results import find_runs, load_run
from PIL import Image

EVIL = "</script x><!--<script>alert(1)</script>&\"'${data}"


def load(folder):
    return [load_run(found) for found in find_runs(Path(folder))]


def embedded(path):
    """The numbers and pictures inside a page."""
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', path.read_text(), re.DOTALL)
    return json.loads(text)


def picture(uri):
    """The (H, W, 4) pixels of a data URI."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))).convert("RGBA"))


def match_pictures(made):
    """The pictures of matches by the stop at which they are drawn."""
    rows, number = picture(made["matches"]), len(made["drawn"])
    return {stop: rows[i::number] for i, stop in enumerate(made["drawn"])}
