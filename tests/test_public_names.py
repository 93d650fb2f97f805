"""The flat list of public names: sorted, complete, documented, annotated, and cheap to import."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import mattekit


def test_the_list_is_sorted_and_holds_each_name_once() -> None:
    constants_first = sorted(mattekit.__all__, key=lambda name: (not name.isupper(), name))
    assert mattekit.__all__ == constants_first
    assert len(set(mattekit.__all__)) == len(mattekit.__all__)


def test_the_list_the_lazy_table_and_the_names_for_type_checkers_agree() -> None:
    assert set(mattekit._HOME_OF) == set(mattekit.__all__)
    source = inspect.getsource(mattekit)
    for home, names in mattekit._HOMES.items():
        assert f"from {home} import {', '.join(names)}\n" in source


@pytest.mark.parametrize("name", mattekit.__all__)
def test_every_public_name_can_be_imported_and_is_listed(name: str) -> None:
    assert getattr(mattekit, name) is not None
    assert name in dir(mattekit)


@pytest.mark.parametrize("name", [name for name in mattekit.__all__ if not name.isupper()])
def test_every_public_name_has_a_docstring_and_annotations(name: str) -> None:
    thing = getattr(mattekit, name)
    assert inspect.getdoc(thing)
    assert thing.__doc__ and not thing.__doc__.startswith(f"{name}(")  # not made up by dataclass
    functions = [thing] if inspect.isfunction(thing) else []
    if inspect.isclass(thing):
        functions = [member for key, member in vars(thing).items() if inspect.isfunction(member) and key[0] != "_"]
        assert thing.__module__.startswith("mattekit.")
    for function in functions:
        assert inspect.getdoc(function), function
        signature = inspect.signature(function)
        assert signature.return_annotation is not inspect.Signature.empty, function
        for parameter in signature.parameters.values():
            assert parameter.name == "self" or parameter.annotation is not inspect.Parameter.empty, function


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        mattekit.no_such_name  # noqa: B018


def test_importing_the_package_loads_neither_torch_nor_numpy() -> None:
    script = "import sys, mattekit; mattekit.Chunk; print(*sorted({'torch', 'numpy', 'av'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
