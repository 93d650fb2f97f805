"""Published files to safetensors: nothing is run, everything is checked, and what comes out is what went in."""

from __future__ import annotations

import os
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

import narrow
from mattekit.checks import WeightsError
from mattekit.models import load, published_layouts
from mattekit.models.dvm.paper import PaperNetwork, layout
from mattekit.weights import carried, read_weights
from mattekit.weights.contents import list_carried, read_contents, read_family
from mattekit.weights.convert import Layout, convert

LAYOUT = layout(narrow.WIDTH)
TOY = Layout("toy", "net", {"a.weight": (2, 3), "a.bias": (2,), "n.running_var": (2,), "n.num_batches_tracked": ()})


def toy() -> dict[str, Tensor]:
    state = {"a.weight": torch.arange(6.0).view(2, 3), "a.bias": torch.ones(2), "n.running_var": torch.ones(2)}
    return {**state, "n.num_batches_tracked": torch.tensor(9)}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "best_net.pth"


def refused(source: Path, content: object = None, layouts: tuple[Layout, ...] = (TOY,), *, half: bool = False) -> str:
    """Return what the refusal of a file says, after looking that nothing was written."""
    if content is not None:
        torch.save(content, source)
    before = sorted(source.parent.iterdir())
    with pytest.raises(WeightsError) as caught:
        convert(source, source.with_suffix(".safetensors"), layouts, half=half)
    assert sorted(source.parent.iterdir()) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_published_network_comes_back_as_it_was_and_mattes(source: Path) -> None:
    network = narrow.matting("release")
    torch.save(network.state_dict(), source)
    source.chmod(0o444)
    made = convert(source, source.with_suffix(".safetensors"), [TOY, LAYOUT])
    assert made.path.stat().st_mode & 0o777 == 0o644
    counters = sum(key.endswith("num_batches_tracked") for key in LAYOUT.shapes)
    assert (made.family, made.tensors) == ("dvm-release", 517 - counters)
    assert made.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert sorted(path.name for path in source.parent.iterdir()) == ["best_net.pth", "best_net.safetensors"]
    tensors = read_weights(made.path, family="dvm-release")
    for key, value in network.state_dict().items():
        assert key.endswith("num_batches_tracked") or bool((tensors[f"matting.{key}"] == value).all())
    frames, trimap = narrow.scene(3)
    alpha, _, _ = load("dvm", weights=made.path).matter.step(frames, trimap, None)
    wanted = network(frames[None], trimap[None]).best[0]
    torch.testing.assert_close(alpha[trimap == 0.5], wanted[trimap == 0.5], atol=1e-5, rtol=0)


def test_the_layout_of_the_published_network_is_known() -> None:
    known = published_layouts()[0]
    assert (known.family, known.prefix, len(known.shapes)) == ("dvm-release", "matting", 517)
    with torch.device("meta"):
        assert known.shapes["refine_head.bias"] == tuple(PaperNetwork(form="release").refine_head.bias.shape)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"state_dict": state, "epoch": 7},
        lambda state: {f"module.{key}": value for key, value in state.items()},
        lambda state: {"state_dict": {f"module.{key}": value for key, value in state.items()}},
        lambda state: {key: value for key, value in state.items() if "num_batches" not in key},
        lambda state: {key: value.double() if value.is_floating_point() else value for key, value in state.items()},
    ],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_wrapped_old_and_double_precision_files_are_taken(
    source: Path, wrap: Callable[[dict[str, Tensor]], object], zipped: bool
) -> None:
    torch.save(wrap(toy()), source, _use_new_zipfile_serialization=zipped)
    convert(source, source.with_suffix(".safetensors"), [TOY])
    found = load_file(source.with_suffix(".safetensors"))
    assert set(found) == {"net.a.weight", "net.a.bias", "net.n.running_var"}
    assert found["net.a.weight"].dtype == torch.float32
    assert found["net.a.weight"].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_half_precision_is_written_when_asked(source: Path) -> None:
    torch.save(toy(), source)
    convert(source, source.with_suffix(".safetensors"), [TOY], half=True)
    contents = read_contents(source.with_suffix(".safetensors"))
    assert (contents.family, contents.kinds, contents.tensors, contents.values) == ("toy", ("float16",), 3, 10)
    assert contents.not_finite is None
    assert contents.metadata["source"] == "best_net.pth" and len(contents.metadata["source_sha256"]) == 64


class Payload:
    """Makes a folder if anyone unpickles it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


def test_what_a_file_would_run_is_not_run(source: Path) -> None:
    trap = source.parent / "sprung"
    for content in (Payload(trap), {**toy(), "a.bias": Payload(trap)}, {"state_dict": toy(), "x": Payload(trap)}):
        assert "holds other things, which are not run: download it again" in refused(source, content)
    assert not trap.exists()


def test_what_would_take_all_memory_or_minutes_is_refused_at_once(source: Path) -> None:
    torch.save(toy(), source)
    with zipfile.ZipFile(source) as whole:
        entries = {name: whole.read(name) for name in whole.namelist()}
    with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as bomb:
        for name, content in entries.items():
            bomb.writestr(name, content + bytes(1 << 22) * name.endswith("data/0"))
    assert "must be a PyTorch file of plain tensors" in refused(source)
    with zipfile.ZipFile(source, "w") as long:
        for name, content in entries.items():
            named = b"\x80\x02c" + b"[" * 50000 + b"\nx\n."
            long.writestr(name, named if name.endswith("data.pkl") else content)
    begun = time.monotonic()
    assert "must be a PyTorch file of plain tensors" in refused(source)
    assert time.monotonic() - begun < 5


def test_damage_is_refused(source: Path) -> None:
    assert "does not exist" in refused(source)
    torch.save(toy(), source)
    whole = source.read_bytes()
    for length in (0, 1, 10, 500, len(whole) // 2, len(whole) - 1):
        source.write_bytes(whole[:length])
        assert str(source) in refused(source)
    torch.save(toy(), source, _use_new_zipfile_serialization=False)
    whole = source.read_bytes()
    for length in (30, len(whole) // 2, len(whole) - 1):
        source.write_bytes(whole[:length])
        assert str(source) in refused(source)
    source.write_bytes(b"<html>not found</html>")
    assert "must be a PyTorch file of plain tensors" in refused(source)
    source.unlink()
    source.mkdir()
    assert "is a folder: name the file" in refused(source)


def test_other_networks_are_refused(source: Path) -> None:
    message = refused(source, {"backbone.conv.weight": torch.ones(2, 2)}, (TOY, LAYOUT))
    assert "known network (toy, dvm-release)" in message and "begins with backbone.conv.weight" in message
    assert "holds a list" in refused(source, [torch.ones(2)])
    assert "holds a dict" in refused(source, {})
    assert "a.bias in" in refused(source, {**toy(), "a.bias": 3}) and "is a int" in refused(source, {"a.bias": 3})
    assert "is a Tensor" in refused(source, {**toy(), "a.weight": torch.ones(2, 3).to_sparse()})
    assert "is a Tensor" in refused(source, {**toy(), "a.weight": torch.ones(2, 3, device="meta")})


def test_a_missing_an_unknown_and_a_misshapen_key_are_named(source: Path) -> None:
    state = toy()
    assert "must hold a.bias; it is missing" in refused(source, {k: v for k, v in state.items() if k != "a.bias"})
    assert "extra in" in refused(source, {**state, "extra": torch.ones(1)})
    assert "a.bias in" in (message := refused(source, {**state, "a.bias": torch.ones(3)}))
    assert "must have shape (2,); got (3,)" in message
    assert "got torch.int64" in refused(source, {**state, "a.bias": torch.ones(2, dtype=torch.long)})


def test_values_that_are_not_finite_are_named(source: Path) -> None:
    for value in (float("nan"), float("inf")):
        assert "must be finite; a.bias in" in refused(source, {**toy(), "a.bias": torch.tensor([0.0, value])})
    large = {**toy(), "a.bias": torch.tensor([0.0, 70000.0])}
    assert "must be finite in half precision; a.bias in" in refused(source, large, half=True)
    torch.save(large, source)
    assert convert(source, source.with_suffix(".safetensors"), [TOY]).tensors == 3


def test_tensors_that_share_memory_or_lie_otherwise_are_written_each_on_its_own(source: Path) -> None:
    shared = torch.arange(6.0)
    torch.save({**toy(), "a.weight": shared.view(3, 2).T, "a.bias": shared[2:4], "n.running_var": shared[2:4]}, source)
    convert(source, source.with_suffix(".safetensors"), [TOY])
    found = load_file(source.with_suffix(".safetensors"))
    assert found["net.a.weight"].tolist() == [[0, 2, 4], [1, 3, 5]]
    assert found["net.a.bias"].tolist() == found["net.n.running_var"].tolist() == [2, 3]


# what load makes of files


def test_the_file_says_which_networks_are_built(tmp_path: Path) -> None:
    kinds = {}
    for name, path in (
        ("small", carried("dvm-small")),
        ("paper", narrow.write_paper(tmp_path / "paper.safetensors", neighbours=1)),
        ("alone", narrow.write_paper(tmp_path / "alone.safetensors", alone=True)),
        ("release", narrow.write_release(tmp_path / "release.safetensors")),
    ):
        model = load("dvm", weights=path)
        kinds[name] = (type(model.matter).__name__, type(model.propagator).__name__, model.matter.context)
        assert model.weights == path
    assert kinds == {
        "small": ("StreamMatter", "StreamPropagator", 2),
        "paper": ("PaperMatter", "PaperPropagator", 1),
        "alone": ("PaperMatter", "StreamPropagator", 2),
        "release": ("PaperMatter", "StreamPropagator", 0),
    }
    assert carried("dvm-small") in list_carried() and read_family(carried("dvm-small")) == "dvm-small"


def test_files_that_do_not_fit_are_refused_by_name(tmp_path: Path, source: Path) -> None:
    torch.save(toy(), source)
    other = convert(source, tmp_path / "toy.safetensors", [TOY]).path
    with pytest.raises(WeightsError, match="must be of family dvm-small or dvm-paper or dvm-release; .* names 'toy'"):
        load("dvm", weights=other)
    short = Layout("dvm-release", "matting", TOY.shapes)
    with pytest.raises(WeightsError, match="the matting network does not know a.bias"):
        load("dvm", weights=convert(source, tmp_path / "short.safetensors", [short]).path)
    with pytest.raises(WeightsError, match="is a folder"):
        read_contents(tmp_path)
    other.write_bytes(other.read_bytes()[:-1])
    with pytest.raises(WeightsError, match="must be a whole safetensors file"):
        read_family(other)
