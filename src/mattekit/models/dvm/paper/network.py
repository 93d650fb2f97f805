"""The matting network of size paper: ResNet-50, ST-FAM on every skip, decoder, and the release's refine stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mattekit.checks import InputError, check_choice, check_rank, check_same_size
from mattekit.models.dvm.paper.decoder import INPUT_PLANES, Decoder, Refinement
from mattekit.models.dvm.paper.fusion import WindowFusion
from mattekit.models.dvm.paper.inputs import LEAST_WIDTH, network_input, pad_picture
from mattekit.nn.backbones import ResNetFeatures, start_from_imagenet

KIND = "resnet50"
WIDTH = 64
BACKBONES = ("random", "imagenet")
FORMS = {"symmetric": (2, 2), "release": (2, 0)}
"""Frames before and after the target in the window of each form."""


@dataclass(frozen=True)
class FrameFeatures:
    """What the encoder makes of frames, computed once each.

    Attributes:
        seen: (N, 4, H, W) the network's input, padded.
        levels: Features at strides 2, 4, 8, 16 and 32.
        halves: What each aligned level needs of the frame as a neighbour, strides 2 to 16.
    """

    seen: Tensor
    levels: tuple[Tensor, ...]
    halves: tuple[Tensor, ...]

    def pick(self, index: Tensor) -> FrameFeatures:
        """Return the features of some of the frames, in the given order."""
        levels = tuple(level[index] for level in self.levels)
        return FrameFeatures(self.seen[index], levels, tuple(half[index] for half in self.halves))

    def slim(self) -> FrameFeatures:
        """Return only what these frames still give as neighbours."""
        return FrameFeatures(self.seen.new_empty(0), self.levels, self.halves)


@dataclass(frozen=True)
class Alphas:
    """What the network predicts, before known pixels are forced.

    Attributes:
        coarse: (..., 1, H, W) in [0, 1].
        refined: The same after the refine stage, or None without one.
    """

    coarse: Tensor
    refined: Tensor | None

    @property
    def best(self) -> Tensor:
        """The refined alpha where there is one, else the coarse one."""
        return self.coarse if self.refined is None else self.refined


class PaperNetwork(nn.Module):
    """Alpha of a target frame from a window of frames and their trimaps.

    The form "symmetric" is the paper's: n frames on each side. The form "release" is the authors' published network:
    the target and the frames before it, the refine stage, and swapped paddings in one branch of the large kernels; its
    parameters are named as theirs.

    Args:
        form: A name in `FORMS`.
        neighbours: Frames on each side, or before the target in the form "release".
        width: Channels of the stem, from which all others follow; a multiple of 8, 64 in the paper.
        backbone: "imagenet" starts the encoder from torchvision's weights, which are downloaded at the first use;
            "random" does not.

    Raises:
        InputError: An unknown form or backbone, or a number out of range.
        WeightsError: ImageNet weights cannot be had.

    Source: DVM, section 3; what the paper leaves open follows the authors' release.
    """

    def __init__(
        self, *, form: str = "symmetric", neighbours: int = 2, width: int = WIDTH, backbone: str = "random"
    ) -> None:
        super().__init__()
        check_choice("form", form, tuple(FORMS))
        check_choice("backbone", backbone, BACKBONES)
        if neighbours < 0:
            raise InputError(f"neighbours must be 0 or more; got {neighbours}")
        if width < 8 or width % 8:
            raise InputError(f"width must be a multiple of 8; got {width}")
        released = form == "release"
        self.before, self.after = neighbours, 0 if released else neighbours
        self.least_width = LEAST_WIDTH if released else 0
        self.encoder = ResNetFeatures(KIND, inputs=INPUT_PLANES, width=width)
        self.fusion = WindowFusion(self.encoder.widths, self.before + 1 + self.after)
        self.decoder = Decoder(self.encoder.widths, swapped=released)
        self.pred_head = nn.Conv2d(width, 1, 3, padding=1)
        self.refine = Refinement(width) if released else None
        self.refine_head = nn.Conv2d(width, 1, 3, padding=1) if released else None
        _start(self)
        if backbone == "imagenet":
            start_from_imagenet(self.encoder, KIND)

    def encode(self, frames: Tensor, trimap: Tensor) -> FrameFeatures:
        """Return the features of frames (N, 3, H, W) in [0, 1] with trimaps (N, 1, H, W), padded by reflection."""
        check_rank("frames", frames, "N 3 H W")
        check_rank("trimap", trimap, "N 1 H W")
        check_same_size("frames", frames, "trimap", trimap)
        seen = pad_picture(network_input(frames, trimap), least_width=self.least_width)
        levels = self.encoder(seen)
        return FrameFeatures(seen, levels, self.fusion.prepare(levels))

    def decode(self, target: FrameFeatures, window: Sequence[FrameFeatures]) -> Alphas:
        """Predict the alpha of target frames, (N, 1, H, W) at the padded size.

        Args:
            target: The frames to matte.
            window: For each place in the window in order of time, the target's own too, the frames there.
        """
        deepest = len(target.levels) - 1
        feature = self.decoder.widen(deepest, self._fuse(deepest, target, window))
        for level in reversed(range(deepest)):
            skip = self.decoder.widen(level, self._fuse(level, target, window))
            feature = self.decoder.rise(level + 1, feature, skip)
        logit = self.pred_head(self.decoder.rise(0, feature, target.seen))
        coarse = torch.sigmoid(logit)
        if self.refine is None or self.refine_head is None:
            return Alphas(coarse, None)
        picture = torch.cat((target.seen[:, :3], coarse), dim=1)
        return Alphas(coarse, torch.sigmoid(logit + self.refine_head(self.refine(picture))))

    def forward(self, frames: Tensor, trimap: Tensor, *, targets: Sequence[int] | None = None) -> Alphas:
        """Predict the alpha of frames of whole clips; windows that leave a clip repeat its edge frame.

        Args:
            frames: (B, T, 3, H, W) in [0, 1].
            trimap: (B, T, 1, H, W) in {0, 0.5, 1}.
            targets: Numbers of the frames to predict, S of them; None predicts all.

        Returns:
            Alphas (B, S, 1, H, W).
        """
        check_rank("frames", frames, "B T 3 H W")
        clips, length = frames.shape[:2]
        features = self.encode(frames.flatten(0, 1), trimap.flatten(0, 1))
        clip = torch.arange(clips, device=frames.device)[:, None] * length
        time = torch.tensor(range(length) if targets is None else list(targets), device=frames.device)
        window = [
            features.pick((clip + (time + offset).clamp(0, length - 1)).flatten())
            for offset in range(-self.before, self.after + 1)
        ]
        alphas = self.decode(window[self.before], window)
        height, width = frames.shape[-2:]
        shaped = [
            None if alpha is None else alpha[..., :height, :width].unflatten(0, (clips, len(time)))
            for alpha in (alphas.coarse, alphas.refined)
        ]
        return Alphas(alphas.coarse if shaped[0] is None else shaped[0], shaped[1])

    def _fuse(self, level: int, target: FrameFeatures, window: Sequence[FrameFeatures]) -> Tensor:
        members = [
            (frame.levels[level], frame.halves[level] if level < len(frame.halves) else None) for frame in window
        ]
        fused: Tensor = self.fusion(level, target.levels[level], members)
        return fused


def _start(network: nn.Module) -> None:
    """Draw every convolution and linear layer after Xavier; offsets are zero, so that training starts undisplaced."""
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.xavier_normal_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        if name.endswith("dcnpack"):
            nn.init.xavier_normal_(module.get_parameter("weight"))
        if name.endswith("conv_offset_mask"):
            nn.init.zeros_(module.get_parameter("weight"))
