import numpy as np
import pytest
from command import contourbench, fails
from contourbench.eval import suppress_preset
from contourbench.eval.crispness import average_crispness, crispness
from scipy.ndimage import gaussian_filter
from toy import write_maps


def ridge(sigma):
    line = np.zeros((40, 60))
    line[:, 30] = 1
    soft = gaussian_filter(line, (0, sigma))
    return soft / soft.max()


def test_blur_lowers_it():
    values = [crispness(ridge(sigma)) for sigma in (0.3, 1, 3)]
    assert 1 >= values[0] > values[1] > values[2] > 0


def test_it_is_the_share_that_suppression_leaves(random):
    soft = random.rand(20, 30)
    assert crispness(soft) == pytest.approx(suppress_preset(soft, "ac").sum() / soft.sum())


def test_empty_maps_do_not_count():
    assert np.isnan(crispness(np.zeros((5, 5))))
    assert average_crispness([0.5, float("nan"), 0.7]) == pytest.approx(0.6)
    with pytest.raises(ValueError, match="no map with contours"):
        average_crispness([float("nan")])


def test_command(capsys, tmp_path):
    code, out, _ = contourbench(capsys, "crispness", write_maps(tmp_path / "maps"))
    assert code == 0
    assert out.startswith("AC 0.") and out.endswith("over 3 maps\n")
    assert "holds segmentations" in fails(capsys, "crispness", write_maps(tmp_path / "segs", kind="segs"))
