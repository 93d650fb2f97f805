"""The matting network of size small: encoder, ST-FAM on the coarse skips, sub-pixel decoder, alpha head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from mattekit.checks import InputError, check_rank, check_same_size
from mattekit.models.dvm.alignment import Prepared
from mattekit.models.dvm.cues import CUE_CHANNELS, PLAIN_CHANNELS, network_input
from mattekit.models.dvm.flow import FlowNetwork
from mattekit.models.dvm.fusion import LevelFusion
from mattekit.models.dvm.tiles import unknown_tiles
from mattekit.nn.blocks import ConvNorm, ResidualBlock, UpStep, zero_parameters
from mattekit.ops.resize import pad_to_stride

STRIDE = 32
WIDTHS = (24, 40, 72, 112)
FULL_WIDTH = 16


@dataclass(frozen=True)
class FrameFeatures:
    """What the encoder makes of frames, computed once each.

    Attributes:
        seen: (N, channels, H, W) the network's input, padded to the stride.
        trimap: (N, 1, H, W) padded.
        estimate: (N, 1, H, W) classical alpha, padded.
        levels: Features at strides 2, 4, 8, 16.
        prepared: What each fused level's alignment needs, strides 8 and 16.
    """

    seen: Tensor
    trimap: Tensor
    estimate: Tensor
    levels: tuple[Tensor, ...]
    prepared: tuple[Prepared, ...]

    def pick(self, index: Tensor) -> FrameFeatures:
        """Return the features of some of the frames, in the given order."""
        return FrameFeatures(
            self.seen[index],
            self.trimap[index],
            self.estimate[index],
            tuple(level[index] for level in self.levels),
            tuple(tuple(part[index] for part in parts) for parts in self.prepared),
        )

    def slim(self) -> FrameFeatures:
        """Return only what these frames still give as neighbours; the full-size parts are let go."""
        nothing = self.seen.new_empty(0)
        return FrameFeatures(nothing, nothing, nothing, (nothing, *self.levels[1:]), self.prepared)


class _Deeper(nn.Module):
    """Residual blocks that the network has grown by; each starts as if it were not there.

    The dilated ones at stride 16 see 300 px and more to every side, as wide unknown regions need.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        two, four, eight, sixteen = widths
        self.at_four = ResidualBlock(four, silent=True)
        self.at_eight = ResidualBlock(eight, silent=True)
        self.at_sixteen = nn.Sequential(
            ResidualBlock(sixteen, dilation=2, silent=True), ResidualBlock(sixteen, dilation=4, silent=True)
        )
        self.to_eight = ResidualBlock(eight, silent=True)
        self.to_four = ResidualBlock(four, silent=True)
        self.to_two = ResidualBlock(two, silent=True)


class MattingNetwork(nn.Module):
    """Alpha of a target frame from a symmetric window of frames and their trimaps.

    Args:
        neighbours: Frames on each side of the target, n of the paper.
        fusion: One of `mattekit.models.dvm.fusion.FUSIONS`.
        align: False leaves out the deformable alignment.
        kernel: Of the deformable convolution, 1 or 3.
        cues: Whether the network sees the classical cues.
        widths: Channels at strides 2, 4, 8 and 16.

    Raises:
        InputError: An unknown fusion or a negative number of neighbours.

    Source:
        DVM, section 3; widths, cues, full-size tiles and the gate of the head are ours.
    """

    def __init__(
        self,
        *,
        neighbours: int = 2,
        fusion: str = "st-fam",
        align: bool = True,
        kernel: int = 1,
        cues: bool = True,
        widths: Sequence[int] = WIDTHS,
    ) -> None:
        super().__init__()
        if neighbours < 0:
            raise InputError(f"neighbours must be 0 or more; got {neighbours}")
        self.neighbours, self.cues = neighbours, cues
        two, four, eight, sixteen = widths
        channels = PLAIN_CHANNELS + (CUE_CHANNELS if cues else 0)
        self.at_two = nn.Sequential(ConvNorm(channels, two, stride=2), ConvNorm(two, two))
        self.at_four = nn.Sequential(ConvNorm(two, four, stride=2), ResidualBlock(four), ResidualBlock(four))
        self.at_eight = nn.Sequential(ConvNorm(four, eight, stride=2), ResidualBlock(eight), ResidualBlock(eight))
        self.at_sixteen = nn.Sequential(
            ConvNorm(eight, sixteen, stride=2), ResidualBlock(sixteen), ResidualBlock(sixteen)
        )
        self.fuse_eight = LevelFusion(eight, neighbours=neighbours, fusion=fusion, align=align, kernel=kernel)
        self.fuse_sixteen = LevelFusion(sixteen, neighbours=neighbours, fusion=fusion, align=align, kernel=kernel)
        self.flow = FlowNetwork(four, neighbours=neighbours) if fusion == "flow" and neighbours else None
        self.to_eight = UpStep(sixteen, eight, eight)
        self.to_four = UpStep(eight, four + (self.flow.outputs if self.flow else 0), four)
        self.to_two = UpStep(four, two, two)
        self.deeper = _Deeper(widths)
        self.to_full = nn.Sequential(ConvNorm(two, 4 * FULL_WIDTH, kernel=1), nn.PixelShuffle(2))
        self.full = nn.Sequential(ConvNorm(FULL_WIDTH + channels, FULL_WIDTH), ConvNorm(FULL_WIDTH, FULL_WIDTH))
        self.head = nn.Conv2d(FULL_WIDTH, 2, 3, padding=1)
        zero_parameters(self.head)  # training starts from the classical estimate

    def encode(self, frames: Tensor, trimap: Tensor) -> FrameFeatures:
        """Return the features of frames (N, 3, H, W) with trimaps (N, 1, H, W), padded to a stride of 32."""
        check_rank("frames", frames, "N 3 H W")
        check_rank("trimap", trimap, "N 1 H W")
        check_same_size("frames", frames, "trimap", trimap)
        frames, _ = pad_to_stride(frames, STRIDE, mode="replicate")
        trimap, _ = pad_to_stride(trimap, STRIDE, mode="replicate")
        with torch.autocast(frames.device.type, enabled=False):
            seen, estimate = network_input(frames.float(), trimap, cues=self.cues)
        two = self.at_two(seen)
        four = self.deeper.at_four(self.at_four(two))
        eight = self.deeper.at_eight(self.at_eight(four))
        sixteen = self.deeper.at_sixteen(self.at_sixteen(eight))
        return self.prepare(FrameFeatures(seen, trimap, estimate, (two, four, eight, sixteen), ()))

    def prepare(self, features: FrameFeatures) -> FrameFeatures:
        """Return features with what this network's own alignment needs of them."""
        eight, sixteen = features.levels[2:]
        return replace(features, prepared=(self.fuse_eight.prepare(eight), self.fuse_sixteen.prepare(sixteen)))

    def decode(self, target: FrameFeatures, window: Sequence[FrameFeatures]) -> Tensor:
        """Return alpha (N, 1, H, W) of target frames, at the padded size.

        Args:
            target: The frames to matte.
            window: For each place in the window but the middle, in order of time, the frames there.
        """
        fused = []
        for place, fuse in ((2, self.fuse_eight), (3, self.fuse_sixteen)):
            others = [(frame.levels[place], frame.prepared[place - 2]) for frame in window]
            fused.append(fuse((target.levels[place], target.prepared[place - 2]), others))
        two, four = target.levels[:2]
        if self.flow is not None and window:
            four = torch.cat((four, self.flow(four, [frame.levels[1] for frame in window])), dim=1)
        elif self.flow is not None:
            four = torch.cat((four, four.new_zeros(len(four), self.flow.outputs, *four.shape[-2:])), dim=1)
        eighth = self.deeper.to_eight(self.to_eight(fused[1], fused[0]))
        quarter = self.deeper.to_four(self.to_four(eighth, four))
        half = self.deeper.to_two(self.to_two(quarter, two))
        return self._finish(target, half)

    def _finish(self, target: FrameFeatures, half: Tensor) -> Tensor:
        """Return alpha from the decoder's feature at stride 2; full size only in tiles with unknown pixels."""
        tiles = unknown_tiles(target.trimap)
        if not tiles.chosen.any():
            return target.trimap
        seen, estimate = tiles.cut(target.seen), tiles.cut(target.estimate)
        feature = torch.cat((self.to_full(tiles.cut(half, scale=2)), seen), dim=1)
        inside = slice(tiles.halo, tiles.halo + tiles.side)
        logits = self.head(self.full(feature)).float()[..., inside, inside]
        prior = torch.logit(estimate[..., inside, inside], eps=0.02)
        alpha = torch.sigmoid((1 + logits[:, 1:]) * prior + logits[:, :1])
        known = target.trimap != 0.5
        return torch.where(known, target.trimap, tiles.put(alpha, target.trimap.float()))

    def forward(self, frames: Tensor, trimap: Tensor, *, fused: bool = True) -> Tensor:
        """Matte whole clips; windows that leave a clip repeat its edge frame.

        Args:
            frames: (B, T, 3, H, W) in [0, 1].
            trimap: (B, T, 1, H, W) in {0, 0.5, 1}.
            fused: False leaves the window out, for a first stage of training on stills.

        Returns:
            (B, T, 1, H, W) in [0, 1], exactly 0 or 1 where the trimap says so.
        """
        check_rank("frames", frames, "B T 3 H W")
        features = self.encode(frames.flatten(0, 1), trimap.flatten(0, 1))
        alpha = self.matte(features, len(frames), fused=fused)
        return alpha[..., : frames.shape[-2], : frames.shape[-1]]

    def matte(self, features: FrameFeatures, clips: int, *, fused: bool = True) -> Tensor:
        """Return alpha (B, T, 1, H, W), at the padded size, of clips whose frames are encoded one clip after another.

        Args:
            features: Of B x T frames.
            clips: B.
            fused: As in `forward`.
        """
        length = len(features.trimap) // clips
        clip = torch.arange(clips, device=features.trimap.device)[:, None] * length
        time = torch.arange(length, device=features.trimap.device)
        window = [
            features.pick((clip + (time + offset).clamp(0, length - 1)).flatten())
            for offset in range(-self.neighbours, self.neighbours + 1)
            if offset and fused
        ]
        alpha: Tensor = self.decode(features, window).unflatten(0, (clips, length))
        return alpha
