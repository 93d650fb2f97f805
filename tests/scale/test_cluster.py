"""Ray that is not there, or does not answer. What it does when it is there, test_engines.py asks."""

from __future__ import annotations

import socket

import pytest

import chores
from mattekit.checks import InputError
from mattekit.scale import Task, cluster, run


def test_a_ray_that_is_not_installed_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(cluster, "import_module", missing)
    with pytest.raises(InputError) as refusal:
        run(chores.square, [], engine="ray")
    assert str(refusal.value) == 'engine ray needs Ray; it is not installed; run: pip install "mattekit[ray]"'


def test_a_broken_ray_is_not_taken_for_a_missing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> object:
        raise ModuleNotFoundError("No module named 'msgpack'", name="msgpack")

    monkeypatch.setattr(cluster, "import_module", broken)
    with pytest.raises(ModuleNotFoundError, match="msgpack"):
        run(chores.square, [], engine="ray")


@pytest.mark.parametrize("host", ["127.0.0.1:", "nonsense"])
def test_an_address_where_nobody_listens_is_refused_in_seconds(host: str) -> None:
    pytest.importorskip("ray", reason='Ray is not installed: pip install "mattekit[ray]"')
    with socket.socket() as taken:  # bound, so that nobody else takes the port, and deaf
        taken.bind(("127.0.0.1", 0))
        address = f"{host}{taken.getsockname()[1]}" if host.endswith(":") else host
        with pytest.raises(InputError) as refusal:
            list(run(chores.square, [Task("one", {"number": 1})], engine="ray", address=address))
    assert f"address must be that of a running Ray cluster that lets us in; got {address!r}: " in str(refusal.value)
