from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mattekit.checks import InputError, WeightsError
from mattekit.models.person.segmenter import FAMILY, Segmenter, load_segmenter
from mattekit.weights import write_weights


def drawn(seed: int = 0) -> Segmenter:
    torch.manual_seed(seed)
    return Segmenter().eval()


@pytest.mark.parametrize("size", [(48, 64), (37, 51), (1, 1), (5, 400), (700, 300)])
def test_a_map_has_the_size_of_its_picture(size: tuple[int, int]) -> None:
    with torch.no_grad():
        logits = drawn()(torch.rand(2, 3, *size))
    assert logits.shape == (2, 1, *size)
    assert bool(torch.isfinite(logits).all())


def test_the_network_sees_multiples_of_16_and_at_most_320_px() -> None:
    segmenter = drawn()
    assert segmenter.seen_size((720, 1280)) == (176, 320)
    assert segmenter.seen_size((100, 50)) == (96, 48)
    assert segmenter.seen_size((1, 1)) == (16, 16)


def test_a_picture_alone_gives_what_it_gives_among_others() -> None:
    segmenter, frames = drawn(), torch.rand(3, 3, 48, 64)
    with torch.no_grad():
        torch.testing.assert_close(segmenter(frames)[1:2], segmenter(frames[1:2]), atol=1e-5, rtol=0)


def test_weights_come_back_as_they_were_written(tmp_path: Path) -> None:
    segmenter, path = drawn(1).half().float(), tmp_path / "segmenter.safetensors"
    write_weights(path, {"segmenter": segmenter}, family=FAMILY, card={})
    frames = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(load_segmenter(path)(frames), segmenter(frames))


def test_weights_of_another_family_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    write_weights(path, {"segmenter": drawn()}, family="other", card={})
    with pytest.raises(WeightsError, match="must be of family 'person-segmenter'"):
        load_segmenter(path)


def test_a_picture_without_three_channels_is_refused() -> None:
    with pytest.raises(InputError, match="frames must have shape"):
        drawn()(torch.rand(1, 1, 8, 8))
