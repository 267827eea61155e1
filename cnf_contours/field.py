"""The convolutional neural field: a network that maps the coordinates of an image to its features and colours.

Thesis, section 2.3.4 and 3.3.4: an encoder-decoder of 3x3 convolutions with batch normalisation and LeakyReLU, strides
in the encoder, nearest-neighbour upsampling in the decoder, a meshgrid of xy as input.

A `Field` holds the networks of B images of one size, each image with weights and statistics of its own. They lie side
by side in the channels, (1, B F, H, W), and so do their parameters on their first axis, (B F, C, 3, 3). Then

- one convolution with a group for each image is B convolutions, in one launch: a small image alone leaves a GPU waiting
  for its processor;
- batch normalisation by channel *is* batch normalisation by image, as one image is the whole population;
- the first layer, which sees the same coordinates in all images, is one ordinary convolution with B F filters.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, conv2d, interpolate, leaky_relu

from .config import FieldConfig


class Output(NamedTuple):
    """What B fields give: features (B, F, H, W), in the precision of the convolutions, and RGB (B, 3, H, W) float32,
    not clipped.
    """

    features: Tensor
    colours: Tensor

    def detach(self) -> "Output":
        """Return the same without its graph: what is trained on it cannot reach the field."""
        return Output(self.features.detach(), self.colours.detach())


class Field(nn.Module):
    """The networks of B images of one size: coordinates in, features and reconstructions out.

    The first weights of every image are drawn from its own generator, as torch draws them by default (Kaiming uniform
    with a = sqrt 5), which the thesis leaves open; no global random state is touched.

    Parameters
    ----------
    height, width : int
        Of the images, in pixels.
    config : FieldConfig
        With ``layers`` 3 or 4.
    generators : sequence of B torch.Generator
        One per image, all on one device, which becomes that of the field.

    Raises
    ------
    ValueError
        If ``layers`` is 0.

    Notes
    -----
    Memory: with A = F H' W' (H', W': see `coordinates`) the backward pass keeps about 9 A values per image, and needs
    about 3 A more as it goes: 24 A bytes in bfloat16, 48 in float32. Parameters, their gradient and three moments add
    180 (2 L - 2) F^2 bytes per image. So 128 filters at 321 x 481 want 0.5 GB per image. B A should stay below 2^31,
    where 32-bit indices end: 104 such images.

    Examples
    --------
    >>> field = Field(6, 9, FieldConfig(layers=3, filters=8), [torch.Generator().manual_seed(0)])
    >>> [tuple(part.shape) for part in field()]
    [(1, 8, 6, 9), (1, 3, 6, 9)]
    """

    code: Tensor

    def __init__(self, height: int, width: int, config: FieldConfig, generators: Sequence[torch.Generator]) -> None:
        super().__init__()
        if config.layers == 0:
            raise ValueError("layers: 0, expected 3 or 4: both are two fields, fitted one after the other")
        self.height, self.width, self.config, self.images = height, width, config, len(generators)
        code = coordinates(height, width, config.octaves, 2 ** (config.layers - 1), generators[0].device)
        self.register_buffer("code", code)  # (1, C, H', W')
        self.blocks = nn.ModuleList()
        for i in range(2 * config.layers - 1):
            inputs = config.filters if i else code.shape[1]
            self.blocks.append(_Block(inputs, config, generators, _resizing(i, config.layers)))
        self.colours = _Colours(config.filters, generators)

    def forward(self) -> Output:
        """Return features and colours of every image."""
        planes = self.code
        with torch.autocast(planes.device.type, torch.bfloat16, enabled=self.config.bfloat16):
            for block in self.blocks:
                planes = block(planes)  # (1, B F, h, w), halved layer by layer, then doubled again
            colours = self.colours(planes)  # (B, 3, H', W')
        features = planes.unflatten(1, (self.images, -1))[0]  # (B, F, H', W')
        return Output(features[..., : self.height, : self.width], colours[..., : self.height, : self.width].float())


class _Block(nn.Module):
    """One layer of all images: convolution, batch normalisation, LeakyReLU; no bias, which the second would take away.

    ``resizing`` is "first", which sees what all images share, "halve", or "double".
    """

    def __init__(self, inputs: int, config: FieldConfig, generators: Sequence[torch.Generator], resizing: str) -> None:
        super().__init__()
        self.resizing, self.slope = resizing, config.slope
        self.groups = 1 if resizing == "first" else len(generators)
        self.weight = _drawn((config.filters, inputs, 3, 3), generators)  # (B F, C, 3, 3)
        self.scale = nn.Parameter(torch.ones(len(self.weight), device=self.weight.device))
        self.shift = nn.Parameter(torch.zeros(len(self.weight), device=self.weight.device))

    def forward(self, planes: Tensor) -> Tensor:
        if self.resizing == "double":
            planes = interpolate(planes, scale_factor=2, mode="nearest")
        stride = 2 if self.resizing == "halve" else 1
        planes = conv2d(planes, self.weight, None, stride, padding=1, groups=self.groups)
        # One image is the whole population: its own statistics are the true ones, there is nothing to track.
        return leaky_relu(batch_norm(planes, None, None, self.scale, self.shift, training=True), self.slope)


class _Colours(nn.Module):
    """A linear map of every pixel's features, (1, B F, H', W') to (B, 3, H', W'): a 1x1 convolution of every image."""

    def __init__(self, filters: int, generators: Sequence[torch.Generator]) -> None:
        super().__init__()
        self.images = len(generators)
        self.weight = _drawn((3, filters, 1, 1), generators)  # (3 B, F, 1, 1)
        self.bias = nn.Parameter(torch.zeros(3 * self.images, device=generators[0].device))

    def forward(self, planes: Tensor) -> Tensor:
        if self.images == 1:
            return conv2d(planes, self.weight, self.bias)
        # With three filters each, a batch of small matrix products: grouped convolutions have no good kernel for them.
        # For one image on a CPU, the products would cost a quarter of the whole fit.
        weight, bias = self.weight.reshape(self.images, 3, -1), self.bias.view(self.images, 3, 1)
        found = torch.baddbmm(bias, weight, planes.unflatten(1, (self.images, -1))[0].flatten(2))  # (B, 3, H' W')
        return found.unflatten(2, planes.shape[2:])


def _resizing(index: int, layers: int) -> str:
    """What layer ``index`` does to the size: the encoder's first keeps it, the others halve, the decoder's double."""
    if index == 0:
        return "first"
    return "halve" if index < layers else "double"


def _drawn(shape: tuple[int, ...], generators: Sequence[torch.Generator]) -> nn.Parameter:
    """Return fresh weights of every image, (B n, ...) for ``shape`` (n, ...), channels last as tensor cores want."""
    own = [torch.empty(shape, device=generator.device) for generator in generators]
    for weight, generator in zip(own, generators, strict=True):
        nn.init.kaiming_uniform_(weight, a=math.sqrt(5), generator=generator)
    return nn.Parameter(torch.cat(own).contiguous(memory_format=torch.channels_last))


def coordinates(height: int, width: int, octaves: int, multiple: int, device: torch.device) -> Tensor:
    """Return the field's input for an image of ``height`` times ``width``: its xy meshgrid and Fourier octaves of it.

    The longer side runs from -1 to 1, the other in proportion, so that a pixel is square. Octave k adds sine and
    cosine of 2^k pi x and 2^k pi y (Tancik et al., "Fourier features let networks learn high frequency functions",
    NeurIPS 2020). The grid goes on beyond the image, right and below, to a ``multiple``: every layer then halves and
    doubles exactly, and the cells outside have no loss.

    Returns
    -------
    (1, 2 + 4 octaves, H', W') float32 tensor
        H' and W' the next multiples, at least 2 of them: one cell of code would leave nothing to normalise.
    """
    longer = max(height, width, 2) - 1
    rows, columns = (max(2, -(-n // multiple)) * multiple for n in (height, width))
    y = (2 * torch.arange(rows, device=device, dtype=torch.float32) - (height - 1)) / longer
    x = (2 * torch.arange(columns, device=device, dtype=torch.float32) - (width - 1)) / longer
    grid = torch.stack([x.expand(rows, columns), y[:, None].expand(rows, columns)])  # (2, H', W')
    waves = [wave(2**k * math.pi * grid) for k in range(octaves) for wave in (torch.sin, torch.cos)]
    return torch.cat([grid, *waves])[None].contiguous(memory_format=torch.channels_last)  # (1, 2 + 4 octaves, H', W')
