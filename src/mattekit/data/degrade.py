"""Degradation as cameras do it: what changes the layers and so the truth, and what only the composite sees."""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.data.blur import defocus, motion_blur
from mattekit.data.codec import encode, step_of
from mattekit.data.layer import Layer
from mattekit.data.sensor import (
    add_noise,
    blur_colours,
    drifting_gain,
    random_noise,
    reduce_levels,
    vignette,
)

HARMONISED, LIT, SPILLED, DEFOCUSED, MOVING = 0.2, 0.2, 0.2, 0.15, 0.1
"""Probability that a layer takes on the background's colours, is lit by changing light, gets its spill, is blurred."""

DRIFTING, VIGNETTED = 0.2, 0.1
"""Probability that the camera's exposure and white balance drift, and that its corners are dark."""

FRINGED, NOISY, ENCODED, BANDED = 0.1, 0.5, 0.35, 0.05
"""Probability that a composite has blurred red and blue, noise, the traces of a codec, and few levels."""


def degrade_layer(layer: Layer, background: Tensor, generator: torch.Generator, *, strength: float = 1.0) -> Layer:
    """Return a layer as light and lens show it; its alpha and colour are the new truth.

    By chance, each apart: colours drawn towards the background's, light that changes over time, the background's light
    on the edge, defocus, and motion blur along the flow.

    Args:
        layer: Any.
        background: (T, 3, H, W) in [0, 1], what it will stand before.
        generator: CPU generator.
        strength: Factor of all amounts; 0 returns the layer as it is.
    """
    draw = torch.rand(10, generator=generator).tolist()
    colour = layer.colour
    if draw[0] < HARMONISED:
        colour = harmonise(colour, layer.alpha, background, share=min(1.0, 0.8 * draw[1] * strength))
    if draw[2] < LIT:
        gain = drifting_gain(len(layer), generator, depth=0.5 * strength, tint=0.15 * strength)
        colour = (colour * gain.to(colour.device)).clamp_(0, 1)
    if draw[3] < SPILLED:
        colour = spill(colour, layer.alpha, background, amount=min(1.0, 0.5 * draw[4] * strength))
    result = Layer(colour, layer.alpha, layer.flow, layer.valid)
    if draw[5] < DEFOCUSED:
        result = defocus(result, sigma=strength * (0.5 + 2 * draw[6] ** 2))
    if draw[7] < MOVING:
        result = motion_blur(result, shutter=min(1.0, strength * (0.2 + 0.8 * draw[8])))
    return result


def expose(
    layer: Layer, background: Tensor, generator: torch.Generator, *, strength: float = 1.0
) -> tuple[Layer, Tensor]:
    """Return layer and background as one camera exposes them: drift of exposure and white balance, vignetting.

    Both are multiplied by the same factors, so their composite is that of the camera and the truth stays exact.

    Args:
        layer: Any.
        background: (T, 3, H, W) in [0, 1].
        generator: CPU generator.
        strength: Factor of all amounts.
    """
    draw = torch.rand(3, generator=generator).tolist()
    gain: Tensor | None = None
    if draw[0] < DRIFTING:
        gain = drifting_gain(len(layer), generator, depth=0.35 * strength, tint=0.12 * strength)
    if draw[1] < VIGNETTED:
        shade = vignette(layer.size, depth=min(1.0, 0.5 * draw[2] * strength))
        gain = shade if gain is None else gain * shade
    if gain is None:
        return layer, background
    gain = gain.to(background.device)
    colour, behind = ((picture * gain).clamp_(0, 1) for picture in (layer.colour, background))
    return Layer(colour, layer.alpha, layer.flow, layer.valid), behind


def degrade(frames: Tensor, generator: torch.Generator, *, strength: float = 1.0) -> Tensor:
    """Return composites as a camera stores them, by chance with colour blur, noise, codec traces and bands.

    Args:
        frames: (T, 3, H, W) in [0, 1].
        generator: CPU generator; also seeds the noise.
        strength: Factor of all amounts; 0 leaves all but the rounding.

    Returns:
        (T, 3, H, W) in [0, 1], rounded to 8 bits.
    """
    draw = torch.rand(8, generator=generator).tolist()
    if draw[0] < FRINGED and strength > 0:
        frames = blur_colours(frames, amount=min(0.3, 0.25 * draw[1] * strength))
    if draw[2] < NOISY and strength > 0:
        noise = random_noise(generator, strength=strength)
        frames = add_noise(frames, noise, generator, fixed=draw[3] < 0.1)
    if draw[4] < ENCODED and strength > 0:
        step = strength * step_of(16 + 20 * draw[5])
        frames = encode(frames, step=step, side=4 if draw[6] < 0.5 else 8)
    if draw[7] < BANDED and strength > 0:
        frames = reduce_levels(frames, min(255, round((24 + 100 * draw[7] / BANDED) / strength)))
    return reduce_levels(frames, 255)


def jitter_colour(frames: Tensor, generator: torch.Generator, *, tint: bool = False) -> Tensor:
    """Change exposure, the tone curve, saturation and white balance, the same for all frames.

    Args:
        frames: (T, 3, H, W) in [0, 1].
        generator: CPU generator.
        tint: Also multiply by a random colour, for layers that have none of their own.

    Returns:
        (T, 3, H, W) in [0, 1].
    """
    draw = torch.rand(10, generator=generator).tolist()
    gain, bend = 0.65 + 0.7 * draw[0], 1.1 * draw[1] - 0.55
    saturation = 0.2 + 1.2 * draw[2] if draw[3] < 0.7 else 1.0
    balance = torch.tensor(draw[4:7]) * 0.24 + 0.88
    if tint:
        balance = balance * (0.15 + 0.85 * torch.tensor(draw[7:10]))
    grey = frames.mean(dim=1, keepdim=True)
    toned = torch.lerp(grey, frames, saturation).clamp_(0, 1)
    toned.addcmul_(toned, 1 - toned, value=bend)  # bends the middle as a gamma of 0.65 to 1.5 does
    return toned.mul_(gain * balance.to(frames.device)[:, None, None]).clamp_(0, 1)


def harmonise(colour: Tensor, alpha: Tensor, background: Tensor, *, share: float) -> Tensor:
    """Return a layer's colour with mean and spread of each channel drawn towards the background's.

    Args:
        colour: (T, 3, H, W) straight, in [0, 1].
        alpha: (T, 1, H, W); only what is seen counts.
        background: (T, 3, H, W) in [0, 1].
        share: How far, in [0, 1].

    Source:
        Reinhard et al., Color Transfer between Images, 2001, with red, green and blue for the decorrelated axes, and
        the spread changed by no more than 2 either way.
    """
    seen, weight, behind = (picture[..., ::4, ::4] for picture in (colour, alpha, background))
    total = weight.sum().clamp_min(1e-3)
    mean = (seen * weight).sum(dim=(0, 2, 3)) / total
    deviation = ((seen - mean[:, None, None]).square() * weight).sum(dim=(0, 2, 3)).div(total).sqrt()
    wanted, spread = behind.mean(dim=(0, 2, 3)), behind.std(dim=(0, 2, 3), correction=0)
    factor = (spread / deviation.clamp_min(1e-3)).clamp(0.5, 2)
    scale = 1 + share * (factor - 1)
    offset = mean + share * (wanted - mean) - scale * mean
    return (colour * scale[:, None, None]).add_(offset[:, None, None]).clamp_(0, 1)


def spill(colour: Tensor, alpha: Tensor, background: Tensor, *, amount: float) -> Tensor:
    """Return a layer's colour with the background's light on its edge.

    Args:
        colour: (T, 3, H, W) straight, in [0, 1].
        alpha: (T, 1, H, W).
        background: (T, 3, H, W) in [0, 1]; its blurred colour is what spills.
        amount: Share of the colour that is the background's where alpha is 0; it falls to none some 8 px inside.
    """
    height, width = alpha.shape[-2:]
    factor = max(1, min(8, height // 8, width // 8))
    small = functional.interpolate(torch.cat((background, alpha), dim=1), scale_factor=1 / factor, mode="area")
    near = small.clone()
    for axis in (-1, -2):
        near = near + 0.5 * (near.roll(1, axis) + near.roll(-1, axis))
    near = near / 4
    light, cover = near[:, :3], near[:, 3:]
    share = (amount * (2 * (1 - cover)).clamp(0, 1)).expand(-1, 1, -1, -1)
    up = functional.interpolate(torch.cat((light * share, share), dim=1), size=(height, width), mode="bilinear")
    return (colour * (1 - up[:, 3:])).add_(up[:, :3]).clamp_(0, 1)


def block_compress(frames: Tensor, *, strength: float) -> Tensor:
    """Return frames as separate pictures whose 8 x 8 blocks were quantised, high frequencies coarser, as in JPEG.

    Args:
        frames: (T, 3, H, W) in [0, 1].
        strength: A quarter of the step of the lowest luma frequency.

    Returns:
        (T, 3, H, W), blocks cut at the borders repeat the last row or column.
    """
    return encode(frames, step=4 * strength, slope=0.5, subsample=False, predict=False)
