"""The convolutional neural field: a network that maps the coordinates of one image to its features and colours.

Thesis, section 2.3.4 and 3.3.4: an encoder-decoder of 3x3 convolutions with batch normalisation and LeakyReLU, strides
in the encoder, nearest-neighbour upsampling in the decoder, a meshgrid of xy as input.
"""

import math

import torch
from torch import Tensor, nn


class Field(nn.Module):
    """Coordinates to features and their reconstruction of the image.

    Built without values (on the ``meta`` device), so that no global random state is touched; `new_field` fills it.

    Parameters
    ----------
    inputs : int
        Channels of the coordinates.
    filters : int
        Of each convolution, and so of the features.
    layers : int
        Of the encoder, all but the first of stride 2; the decoder has one fewer.
    slope : float
        Of LeakyReLU below zero.
    """

    def __init__(self, inputs: int, filters: int, layers: int, slope: float) -> None:
        super().__init__()
        down = [_block(filters, filters, 2, slope) for _ in range(layers - 1)]
        up = [
            nn.Sequential(nn.Upsample(scale_factor=2, mode="nearest"), _block(filters, filters, 1, slope))
            for _ in range(layers - 1)
        ]
        self.encoder = nn.Sequential(_block(inputs, filters, 1, slope), *down)
        self.decoder = nn.Sequential(*up)
        self.colour = nn.Conv2d(filters, 3, 1)

    def forward(self, coordinates: Tensor) -> tuple[Tensor, Tensor]:
        """Return features (1, F, H, W) and RGB (1, 3, H, W), not clipped; H and W multiples of 2^(layers - 1)."""
        code = self.encoder(coordinates)  # (1, F, H / 2^(layers - 1), W / 2^(layers - 1))
        features = self.decoder(code)  # (1, F, H, W)
        return features, self.colour(features)


def _block(inputs: int, filters: int, stride: int, slope: float) -> nn.Sequential:
    """One layer; no bias, which the normalisation would take away again."""
    return nn.Sequential(
        nn.Conv2d(inputs, filters, 3, stride, padding=1, bias=False),
        # One image is the whole population: its own statistics are the true ones, there is nothing to track.
        nn.BatchNorm2d(filters, track_running_stats=False),
        nn.LeakyReLU(slope),
    )


def new_field(inputs: int, filters: int, layers: int, slope: float, generator: torch.Generator) -> Field:
    """Return a field with fresh weights drawn from ``generator``, on its device, in channels-last layout.

    Initialised as torch does by default (Kaiming uniform with a = sqrt 5), which the thesis leaves open.
    """
    with torch.device("meta"):
        field = Field(inputs, filters, layers, slope)
    field = field.to_empty(device=generator.device)
    for module in field.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_uniform_(module.weight, a=math.sqrt(5), generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
    return field.to(memory_format=torch.channels_last)


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
