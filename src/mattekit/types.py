"""The nouns of the house, and the protocols that models, sinks and recipes fulfil."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mattekit.checks import InputError, check_rank, check_same_size

if TYPE_CHECKING:
    from torch import Tensor

State = Any
"""What a model hands back and takes again; only the model that made it looks inside."""


@dataclass(frozen=True)
class Kept:
    """The frames of a damaged clip that are whole, in order.

    Attributes:
        places: Their places among all that decodes, or among the files that are read.
        numbers: Their numbers in the clip as it was before the damage.
        frames: How many frames the clip had, as far as the file still tells.
    """

    places: tuple[int, ...]
    numbers: tuple[int, ...]
    frames: int


@dataclass(frozen=True)
class ClipInfo:
    """What is known of a clip before its frames are read.

    Attributes:
        path: The video file or the folder of images.
        kind: ``"video"`` or ``"images"``.
        size: (height, width) in px as shown, after rotation.
        frames: Number of frames.
        rate: Mean frames a second.
        time_base: Seconds a tick of the timestamps.
        bits: Bits a colour channel of the source.
        rotation: Clockwise turn in degrees that showing a frame needs (0, 90, 180, 270).
        mirrored: Whether showing a frame also needs a left-right flip, made before the turn.
        pixel_aspect: Width by height of one pixel as shown.
        has_audio: Whether the file has a sound track.
        colour_space: FFmpeg's name of the YUV matrix ("bt709", "smpte170m", ...), or None.
        colour_range: "tv", "pc" or None.
        colour_primaries: FFmpeg's name of the primaries ("bt709", "bt2020", ...), or None.
        colour_transfer: FFmpeg's name of the transfer curve ("bt709", "smpte2084", ...), or None.
        last_duration: Ticks of the time base that the last frame is shown.
        files: The files of an image folder in order; empty for a video.
        has_alpha: Whether its frames are partly transparent; matting does not look at that.
        interlaced: Whether a frame is two fields, one of each second line.
        timed: Whether frames say when they are shown; else they follow each other at the mean rate.
        kept: For a damaged clip of which only the whole frames count; None for any other.
    """

    path: Path
    kind: str
    size: tuple[int, int]
    frames: int
    rate: Fraction
    time_base: Fraction
    bits: int = 8
    rotation: int = 0
    mirrored: bool = False
    pixel_aspect: Fraction = Fraction(1)
    has_audio: bool = False
    colour_space: str | None = None
    colour_range: str | None = None
    colour_primaries: str | None = None
    colour_transfer: str | None = None
    last_duration: int = 1
    files: tuple[Path, ...] = ()
    has_alpha: bool = False
    interlaced: bool = False
    timed: bool = True
    kept: Kept | None = None

    def __post_init__(self) -> None:
        if self.kind not in ("video", "images"):
            raise InputError(f"kind must be 'video' or 'images'; got {self.kind!r}")
        if min(self.size) < 1 or self.frames < 1:
            raise InputError(f"a clip must have pixels and frames; got size {self.size} and {self.frames} frames")


@dataclass(frozen=True)
class Chunk:
    """Consecutive frames of one clip.

    Attributes:
        start: Index in the clip of the first frame.
        pts: (T,) int64, ticks of the clip's time base.
        frames: (T, 3, H, W) RGB, display-referred, [0, 1].
        trimap: (T, 1, H, W) in {0, 0.5, 1}, or None.
    """

    start: int
    pts: Tensor
    frames: Tensor
    trimap: Tensor | None = None

    def __post_init__(self) -> None:
        check_rank("pts", self.pts, "T")
        check_rank("frames", self.frames, "T 3 H W")
        if len(self.pts) != len(self.frames):
            raise InputError(f"pts and frames must have one length; got {len(self.pts)} and {len(self.frames)}")
        if self.trimap is not None:
            check_rank("trimap", self.trimap, "T 1 H W")
            check_same_size("frames", self.frames, "trimap", self.trimap)

    def __len__(self) -> int:
        return len(self.frames)


@dataclass(frozen=True)
class Keyframe:
    """A trimap that a user gave for one frame.

    Attributes:
        index: Frame number in the clip, from 0.
        trimap: (1, H, W) in {0, 0.5, 1}.
    """

    index: int
    trimap: Tensor

    def __post_init__(self) -> None:
        check_rank("trimap", self.trimap, "1 H W")
        if self.index < 0:
            raise InputError(f"a key frame's number must be 0 or more; got {self.index}")


@dataclass(frozen=True)
class Matte:
    """What matting makes of a chunk.

    Attributes:
        chunk: The frames it belongs to.
        alpha: (T, 1, H, W) in [0, 1].
        foreground: (T, 3, H, W) straight colour in [0, 1], or None.
    """

    chunk: Chunk
    alpha: Tensor
    foreground: Tensor | None = None

    def __post_init__(self) -> None:
        check_rank("alpha", self.alpha, "T 1 H W")
        check_same_size("frames", self.chunk.frames, "alpha", self.alpha)
        if len(self.alpha) != len(self.chunk):
            raise InputError(f"alpha must have a frame for each of {len(self.chunk)}; got {len(self.alpha)}")


@dataclass(frozen=True)
class Propagated:
    """A trimap that was carried to a frame.

    Attributes:
        trimap: (1, H, W) in {0, 0.5, 1}.
        confidence: How far it can be trusted, in [0, 1]: 1 less the expected number of pixels that it calls known and
            should not, as a share of those it calls unknown.
        state: What the next frame's step takes.
    """

    trimap: Tensor
    confidence: float
    state: State = None


class Propagator(Protocol):
    """Carries a user's trimaps to other frames. Keeps nothing on itself between calls."""

    def reference(self, frame: Tensor, trimap: Tensor) -> State:
        """Encode one key frame, (3, H, W) and (1, H, W), once."""

    def step(self, frame: Tensor, references: Sequence[State], state: State) -> Propagated:
        """Return the trimap of a frame.

        Args:
            frame: (3, H, W) in [0, 1].
            references: Of the key frames around it in time, the nearest first; one or two.
            state: What the step of the frame before returned; None where that was a key frame or of another scene.
        """


class Matter(Protocol):
    """Makes alpha from frames. Keeps nothing on itself between calls.

    One that must know where in a clip it is also has ``begin(number)``, which returns the state before that frame.
    """

    needs_trimap: bool
    context: int
    """Neighbours on either side that a frame's alpha depends on; results come this many frames late."""

    def step(
        self, frames: Tensor, trimap: Tensor | None, state: State | None
    ) -> tuple[Tensor, Tensor | None, State | None]:
        """Take the next T frames and return what is ready.

        Args:
            frames: (T, 3, H, W) in [0, 1]; T = 0 ends the clip and brings the last ``context`` results.
            trimap: (T, 1, H, W) in {0, 0.5, 1}, or None for models without.
            state: What the last call returned; None begins a clip.

        Returns:
            alpha (S, 1, H, W) of the next S frames in order, foreground (S, 3, H, W) or None, and the new state.
        """


class Sink(Protocol):
    """Takes mattes in order and keeps them somewhere."""

    def write(self, matte: Matte) -> None:
        """Keep one more matte."""


@dataclass(frozen=True)
class Sample:
    """One batch of composed training clips, a still is T = 1.

    Attributes:
        frames: (B, T, 3, H, W) composites in [0, 1], degraded as a camera would.
        trimap: (B, T, 1, H, W) in {0, 0.5, 1}.
        alpha_true: (B, T, 1, H, W) in [0, 1].
        foreground_true: (B, T, 3, H, W) straight colour in [0, 1].
        background_true: (B, T, 3, H, W) in [0, 1].
        flow_true: (B, T-1, 2, H, W) in px, x then y, of the foreground from each frame to the next, or None.
        flow_valid: (B, T-1, 1, H, W), 1 where the flow is exact, else 0; None with no flow.
        seed: (B,) int64, a number a clip from which a recipe may draw what it leaves to chance, or None.
        prior: (B, T, 1, H, W) in [0, 1], how likely a pixel is of a person, for networks that are told, or None.
    """

    frames: Tensor
    trimap: Tensor
    alpha_true: Tensor
    foreground_true: Tensor
    background_true: Tensor
    flow_true: Tensor | None = None
    flow_valid: Tensor | None = None
    seed: Tensor | None = None
    prior: Tensor | None = None


@dataclass(frozen=True)
class Stage:
    """One stretch of a training recipe.

    Attributes:
        name: For the log.
        steps: Optimiser steps.
        batch: Clips a step.
        length: Frames a clip.
        size: (height, width) of the crop in px.
        rate: Learning rate at the start and at the end, linear between.
        gap: Largest distance in time of neighbouring frames, in frames of motion; each clip draws its own.
        kind: What its clips are made for, "matting" or "segmentation", whose mask of people is ``alpha_true``.
        smallest: If given, each step draws height and width for its whole batch, from these to one px below ``size``.
        ratio: Share of the crop's height and width at which a network with a coarse pass makes that pass.
        factors: By what the learning rate of parameters whose name begins so is multiplied; of others by 1.
        fresh: Whether the optimiser forgets, when the stage begins, what it knows of earlier gradients.
        turns: Stages whose batches take turns, a step each, with their own batch, length, size, kind and ratio; steps,
            rate, factors and fresh of this one hold for all of them. Empty where all steps are alike.
        frozen: Beginnings of the names of modules whose batch normalisation keeps its running statistics meanwhile.
    """

    name: str
    steps: int
    batch: int
    length: int
    size: tuple[int, int]
    rate: tuple[float, float]
    gap: int = 1
    kind: str = "matting"
    smallest: tuple[int, int] | None = None
    ratio: float = 1.0
    factors: Mapping[str, float] = field(default_factory=dict)
    fresh: bool = False
    turns: tuple[Stage, ...] = ()
    frozen: tuple[str, ...] = ()


class Recipe(Protocol):
    """How one network is trained."""

    stages: Sequence[Stage]

    def terms(self, sample: Sample, stage: Stage) -> Mapping[str, Tensor]:
        """Return the named loss terms of one batch; their sum is the loss."""
