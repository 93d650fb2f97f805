"""Every case of the corpus through the command line: in this process, or in one of its own where it must be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mattekit.media import probe, read_alpha
from torture.apart import run_apart
from torture.case import judge, prepare, run_here
from torture.cases import CASES
from torture.other_cases import KNOWN, LAW

HERE = [name for name, case in CASES.items() if not case.alone]
SELDOM = {"asked to end", "a cut-out onto a full disk", "pictures onto a full disk"}
"""Left to `run.py`, since each loads the program anew; `tests/faults` interrupts and fills disks within one process."""
APART = [name for name, case in CASES.items() if case.alone and name not in SELDOM]
FEWEST = 80


def test_the_corpus_has_the_cases_it_should() -> None:
    assert len(CASES) >= FEWEST
    assert {case.promise for case in CASES.values()} >= {1, 2, 3, 4, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17}


@pytest.mark.parametrize("name", HERE)
def test_a_case_ends_as_the_table_says(tmp_path: Path, name: str) -> None:
    before = prepare(CASES[name], tmp_path)
    judge(CASES[name], tmp_path, before, run_here(CASES[name], tmp_path))


@pytest.mark.parametrize("name", APART)
def test_a_case_of_its_own_ends_as_the_table_says(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    before = prepare(case, tmp_path)
    outcome, _ = run_apart(case, tmp_path)
    judge(case, tmp_path, before, outcome)


def test_known_pixels_of_a_trimap_are_exact_in_the_file(tmp_path: Path) -> None:
    (case,) = LAW.values()
    judge(case, tmp_path, prepare(case, tmp_path), run_here(case, tmp_path))
    alpha = next(read_alpha(probe(tmp_path / "a.mkv")))
    assert (alpha[KNOWN == 255] == 1).all()
    assert (alpha[KNOWN == 0] == 0).all()
    assert len(np.unique(alpha[KNOWN == 128])) > 1
