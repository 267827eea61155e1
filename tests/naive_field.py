"""Slow twins of the neural field and its heads, for one image, from the modules and functions that torch has for it."""

import math

import torch
from contourbench.cnf_contours import field as room
from contourbench.cnf_contours import losses
from contourbench.cnf_contours.contours.heads import neighbours
from torch import nn


def block(inputs, filters, stride, slope):
    return nn.Sequential(
        nn.Conv2d(inputs, filters, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(filters, track_running_stats=False),
        nn.LeakyReLU(slope),
    )


class PlainField(nn.Module):
    def __init__(self, inputs, config, generator):
        super().__init__()
        own, slope = config.filters, config.slope
        down = [block(own, own, 2, slope) for _ in range(config.layers - 1)]
        up = [
            nn.Sequential(nn.Upsample(scale_factor=2, mode="nearest"), block(own, own, 1, slope))
            for _ in range(config.layers - 1)
        ]
        self.encoder = nn.Sequential(block(inputs, own, 1, slope), *down)
        self.decoder = nn.Sequential(*up)
        self.colour = nn.Conv2d(own, 3, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_uniform_(module.weight, a=math.sqrt(5), generator=generator)
        nn.init.zeros_(self.colour.bias)
        self.to(memory_format=torch.channels_last)

    def forward(self, grid):
        features = self.decoder(self.encoder(grid))
        return features, self.colour(features)


def plain_fit(target, config, generator):
    """Return the features (F, H, W) and the reconstruction (3, H, W) of one field fitted to (3, H, W)."""
    height, width = target.shape[1:]
    grid = room.coordinates(height, width, config.octaves, 2 ** (config.layers - 1), target.device)
    with torch.random.fork_rng():  # torch draws weights that are drawn anew
        field = PlainField(grid.shape[1], config, generator)
    optimizer = torch.optim.Adam(field.parameters(), lr=config.rate, amsgrad=True)

    def output():
        with torch.autocast(target.device.type, torch.bfloat16, enabled=config.bfloat16):
            features, colours = field(grid)
        return features[0, :, :height, :width], colours[0, :, :height, :width].float()

    for _ in range(config.iterations):
        optimizer.zero_grad()
        losses.reconstruction_loss(output()[1], target).backward()
        nn.utils.clip_grad_norm_(field.parameters(), config.clip)
        optimizer.step()
    with torch.no_grad():
        features, colours = output()
    return features.float(), colours


def plain_heads(features, config, generator):
    """Return the segmentations (N, m, H, W) of heads fitted to the features (C, H, W) of one image."""
    channels, height, width = features.shape
    rows = features.flatten(1).T
    spread = rows.std(dim=0, correction=0)
    rows = (rows - rows.mean(dim=0)) / torch.where(spread > 1e-4, spread, torch.inf)
    shape = config.heads, channels, config.classes
    weight = (0.01 * torch.randn(shape, generator=generator)).requires_grad_()
    bias = torch.zeros(config.heads, 1, config.classes, requires_grad=True)
    seeds = torch.randint(height * width, (config.heads, config.classes), generator=generator)
    pairs = neighbours(height, width, features.device)
    optimizer = torch.optim.Adam([weight, bias], lr=config.head_rate, amsgrad=True)

    def soft(own):
        return torch.softmax(config.sharpness * (own @ weight + bias), dim=2)

    for step in range(config.head_iterations):
        loss = -torch.log(soft(rows[seeds])).diagonal(dim1=1, dim2=2).mean()
        if config.distillation > 0 and step >= config.distillation_start * config.head_iterations and pairs.numel():
            some = pairs
            if 0 < config.pairs < pairs.shape[1]:
                some = pairs[:, torch.randint(pairs.shape[1], (config.pairs,), generator=generator)]
            contours = 1 - (soft(rows[some[0]]) * soft(rows[some[1]])).sum(dim=2)
            loss = loss + config.distillation * (contours - contours.mean(dim=0).detach()).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_([weight, bias], config.head_clip)
        optimizer.step()
    with torch.no_grad():
        return soft(rows).transpose(1, 2).reshape(config.heads, config.classes, height, width)
