import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import mattekit.metrics as metrics
from mattekit.metrics import running

PROCESS = """
import json, sys
import torch
from mattekit.metrics import running

rank, folder = int(sys.argv[1]), sys.argv[2]
torch.set_num_threads(1)
store = torch.distributed.FileStore(folder + "/store", 2)
torch.distributed.init_process_group("gloo", store=store, rank=rank, world_size=2)
given = torch.load(folder + f"/{rank}.pt", weights_only=True)
maps = given["alpha"], given["truth"], given["region"]
colours = given["foreground"], given["foreground_true"]
found = {}
for name in ("SAD", "MAD", "MSE", "SSDA", "Grad", "Conn", "DtSSD", "MESSDdt"):
    metric = getattr(running, name)()
    metric.update(*maps, *([given["flow"]] if name == "MESSDdt" else []))
    found[name] = float(metric.compute())
for name in ("ForegroundMAD", "ForegroundMSE"):
    metric = getattr(running, name)()
    metric.update(*colours, given["region"])
    found[name] = float(metric.compute())
metric = running.CompositeMSE()
metric.update(*maps[:2], foreground=colours[0], foreground_true=colours[1], region=given["region"])
found["CompositeMSE"] = float(metric.compute())
with open(folder + f"/{rank}.json", "w") as file:
    json.dump(found, file)
torch.distributed.barrier()
torch.distributed.destroy_process_group()
"""
FRAMES = 5
SIZE = (11, 9)


def parts() -> list[dict[str, torch.Tensor]]:
    """Return the two uneven parts of a clip of five frames; the second begins with the frame that ends the first."""
    generator = torch.Generator().manual_seed(4)
    alpha, truth = torch.rand(2, FRAMES, 1, *SIZE, generator=generator)
    colours = torch.rand(2, FRAMES, 3, *SIZE, generator=generator)
    region = torch.rand(FRAMES, 1, *SIZE, generator=generator) < 0.6
    region[1] = False
    flow = 2 * torch.randn(FRAMES - 1, 2, *SIZE, generator=generator)
    cuts = (slice(0, 2), slice(1, FRAMES))
    return [
        {
            "alpha": alpha[cut],
            "truth": truth[cut],
            "region": region[cut],
            "foreground": colours[0, cut],
            "foreground_true": colours[1, cut],
            "flow": flow[cut.start : cut.stop - 1],
        }
        for cut in cuts
    ]


def merged(name: str, given: list[dict[str, torch.Tensor]]) -> float:
    """Return the mean over what the function of this name returns for both parts, without NaN and empty regions."""
    values = []
    for part in given:
        maps, colours = (part["alpha"], part["truth"]), (part["foreground"], part["foreground_true"])
        scored = part["region"].flatten(1).any(dim=1)
        if name == "CompositeMSE":
            named = dict(zip(("foreground", "foreground_true"), colours, strict=True))
            found = metrics.composite_mse(*maps, **named, region=part["region"])
        elif name.startswith("Foreground"):
            function = metrics.foreground_mad if name.endswith("MAD") else metrics.foreground_mse
            found = function(*colours, part["region"])
        else:
            extra = [part["flow"]] if name == "MESSDdt" else []
            found = getattr(metrics, name.lower())(*maps, part["region"], *extra)
        values.append(found[scored[: len(found)]])
    return float(torch.cat(values).mean())


@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch was built without torch.distributed")
def test_two_processes_that_saw_parts_of_a_clip_agree_on_the_mean_over_all_of_it(tmp_path: Path) -> None:
    given = parts()
    processes = []
    for rank, part in enumerate(given):
        torch.save(part, tmp_path / f"{rank}.pt")
        told = [sys.executable, "-c", PROCESS, str(rank), str(tmp_path)]
        processes.append(subprocess.Popen(told, stderr=subprocess.PIPE, text=True))
    try:
        for process in processes:
            _, complaint = process.communicate(timeout=300)
            assert process.returncode == 0, complaint
    finally:
        for process in processes:
            process.kill()
    results = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)]
    assert results[0] == results[1]
    assert set(results[0]) == _running_metrics()
    for name, value in results[0].items():
        assert value == pytest.approx(merged(name, given), rel=1e-9), name


def _running_metrics() -> set[str]:
    """Return the names of all running metrics that are for use: those that no other is a kind of."""
    kinds = [kind for kind in vars(running).values() if isinstance(kind, type) and issubclass(kind, running.FrameMean)]
    return {kind.__name__ for kind in kinds if not kind.__subclasses__()}
