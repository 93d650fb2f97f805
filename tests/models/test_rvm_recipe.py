"""The losses that RVM is trained with, and a few steps that lower them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torchvision.models import mobilenet_v3_large

import people
from mattekit.checks import InputError
from mattekit.models.rvm.backbones import MobileNetEncoder
from mattekit.models.rvm.network import MattingNetwork
from mattekit.models.rvm.recipe import RvmRecipe, matting_terms, segmentation_loss
from mattekit.nn.backbones import fill_from_imagenet
from mattekit.ops.binomial import binomial_laplacian_loss
from mattekit.types import Sample, Stage

MATTING = Stage("matting", steps=1, batch=1, length=2, size=(32, 32), rate=(1e-3, 1e-3))
FINE = Stage("fine", steps=1, batch=1, length=2, size=(32, 32), rate=(1e-3, 1e-3), ratio=0.5)
PEOPLE = Stage("people", steps=1, batch=1, length=1, size=(32, 32), rate=(1e-3, 1e-3), kind="segmentation")


def sample(frames: int = 3) -> Sample:
    """Return a disc that moves over noise, with its truth."""
    noise = people.clip(2 * frames, 32, 32)
    y, x = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    centre = 12 + 2 * torch.arange(float(frames))
    alpha = (10.5 - ((y - 16) ** 2 + (x - centre[:, None, None]) ** 2).sqrt()).clamp(0, 1)[None, :, None]
    foreground, background = noise[None, :frames], noise[None, frames:]
    return Sample(alpha * foreground + (1 - alpha) * background, alpha, alpha, foreground, background)


def test_terms_are_what_one_computes_in_the_head() -> None:
    true = torch.zeros(1, 2, 1, 8, 8)
    true[0, 1] = 1
    alpha = torch.full_like(true, 0.5)
    colour, colour_true = torch.full((1, 2, 3, 8, 8), 0.75), torch.full((1, 2, 3, 8, 8), 0.25)
    found = {name: float(value) for name, value in matting_terms(alpha, colour, true, colour_true).items()}
    assert found == {
        "alpha": 0.5,
        "laplacian": pytest.approx(0, abs=1e-6),  # a constant has no bands
        "coherence": 5.0,  # alpha should have changed by 1 and did not
        "foreground": 0.25,  # 0.5 where there is a subject, which is in half of all frames
        "foreground coherence": 1.25,  # masked colour changes by 0.75 and should by 0.25
    }


def test_a_still_has_no_coherence_to_lose() -> None:
    alpha = torch.rand(2, 1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    colour = alpha.expand(2, 1, 3, 8, 8)
    terms = matting_terms(alpha, colour, alpha.flip(-1), colour)
    assert float(terms["coherence"]) == float(terms["foreground coherence"]) == 0


def test_segmentation_loss_is_the_entropy_of_a_coin_where_nothing_is_known() -> None:
    mask = (torch.arange(8) < 3).float().view(1, 1, 1, 2, 4)
    assert float(segmentation_loss(torch.zeros_like(mask), mask)) == pytest.approx(0.6931, abs=1e-4)
    assert float(segmentation_loss(40 * (mask - 0.5), mask)) < 1e-6


def by_definition(alpha: Tensor, true: Tensor) -> float:
    """Return the loss from whole pyramids of both pictures, one 5 x 5 kernel at a time."""
    taps = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], dtype=torch.float64)
    kernel = (taps[:, None] * taps / 256)[None, None]

    def blurred(planes: Tensor) -> Tensor:
        return torch.conv2d(torch.nn.functional.pad(planes, (2, 2, 2, 2), mode="reflect"), kernel)

    def bands(planes: Tensor) -> list[Tensor]:
        found = []
        for _ in range(5):
            planes = planes[..., : planes.shape[-2] // 2 * 2, : planes.shape[-1] // 2 * 2]
            small = blurred(planes)[..., ::2, ::2]
            wide = torch.zeros_like(planes)
            wide[..., ::2, ::2] = small
            found.append(planes - blurred(4 * wide))
            planes = small
        return found

    pairs = zip(bands(alpha.double()), bands(true.double()), strict=True)
    return sum(2**level / 5 * float((one - other).abs().mean()) for level, (one, other) in enumerate(pairs))


def test_the_laplacian_term_is_the_weighted_error_of_five_bands() -> None:
    generator = torch.Generator().manual_seed(0)
    alpha, true = torch.rand(2, 2, 1, 99, 70, generator=generator).split(1)
    wanted = by_definition(alpha.flatten(0, 1), true.flatten(0, 1))
    assert float(binomial_laplacian_loss(alpha, true)) == pytest.approx(wanted, rel=1e-4)
    assert float(binomial_laplacian_loss(true, true)) == 0
    assert float(binomial_laplacian_loss(alpha[..., :3, :3], true[..., :3, :3])) == 0
    with pytest.raises(InputError, match="alpha and alpha_true must have one size"):
        binomial_laplacian_loss(alpha, true[..., 1:])


@pytest.mark.parametrize("stage", [MATTING, FINE, PEOPLE], ids=lambda stage: stage.name)
def test_a_few_steps_lower_the_loss_of_each_kind_of_stage(stage: Stage) -> None:
    torch.manual_seed(0)
    network, clip = MattingNetwork(), sample()
    recipe = RvmRecipe(network, stages=(stage,))
    optimiser = torch.optim.Adam(network.parameters(), lr=2e-3)
    losses = []
    for _ in range(10):
        loss = torch.stack(list(recipe.terms(clip, stage).values())).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]


def test_only_a_step_of_segmentation_reaches_the_segmentation_head_and_only_a_fine_one_the_filter() -> None:
    reached = {}
    for stage in (MATTING, FINE, PEOPLE):
        network = MattingNetwork()
        sum(RvmRecipe(network, stages=(stage,)).terms(sample(), stage).values()).backward()  # type: ignore[union-attr]
        parts = {"head": network.project_mat, "people": network.project_seg, "filter": network.refiner}
        reached[stage.name] = {
            name for name, part in parts.items() if all(p.grad is not None for p in part.parameters())
        }
    assert reached == {"matting": {"head"}, "fine": {"head", "filter"}, "people": {"people"}}


def test_a_recipe_without_stages_is_refused() -> None:
    with pytest.raises(InputError, match="must have stages; got none"):
        RvmRecipe(MattingNetwork(), stages=())


def test_the_encoder_takes_what_torchvision_learnt_and_computes_what_torchvision_does() -> None:
    torch.manual_seed(0)
    theirs, ours = mobilenet_v3_large().eval(), MobileNetEncoder().eval()
    fill_from_imagenet(ours, theirs.state_dict())
    picture = torch.rand(1, 3, 64, 64)
    standard = (picture - ours.get_buffer("mean")) / ours.get_buffer("deviation")
    with torch.inference_mode():
        half, _, eighth, _ = ours(picture)
        torch.testing.assert_close(half, theirs.features[:2](standard))
        torch.testing.assert_close(eighth, theirs.features[:7](standard))
