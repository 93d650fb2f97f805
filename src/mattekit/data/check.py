"""Finds bad sources before they are used: missing, damaged, misfitting, empty, hard, or in two splits."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

from mattekit.checks import InputError, MediaError, check_choice
from mattekit.data.frames import (
    alpha_frames,
    check_annotated,
    colour_frames,
    entry_files,
    foreground_frames,
    source_info,
)
from mattekit.data.look import SOFT_SHARE, AlphaLook
from mattekit.data.manifest import Entry

WARNINGS = ("hard", "premultiplied", "duplicate", "licence")
"""Kinds of problems that a source may have and still be used; every other kind is an error."""

ON_BAD = ("refuse", "skip")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with one source.

    Attributes:
        entry: The source's name.
        kind: An error: missing, unreadable, mismatch, empty, name, split or unlicensed; or one of `WARNINGS`.
        message: One sentence that begins with the source's name.
    """

    entry: str
    kind: str
    message: str

    @property
    def is_error(self) -> bool:
        """Whether the source must not be used."""
        return self.kind not in WARNINGS

    def as_dict(self) -> dict[str, str]:
        """Return the problem for JSON, with its level."""
        return {"level": "error" if self.is_error else "warning", **asdict(self)}


def check_entries(
    entries: Sequence[Entry], *, workers: int = 1, report: Callable[[int], None] | None = None
) -> list[Problem]:
    """Decode every source to its last frame and return what is wrong, in the order of the list.

    Args:
        entries: Of any role.
        workers: Sources that are decoded at a time, each in a thread.
        report: Takes the number of sources done so far.

    Raises:
        InputError: There are no workers.
    """
    if workers < 1:
        raise InputError(f"workers must be 1 or more; got {workers}")
    found: list[Problem] = []
    with ThreadPoolExecutor(workers) as pool:
        for done, problems in enumerate(pool.map(_examine, entries), start=1):
            found += problems
            if report is not None:
                report(done)
        digests = list(pool.map(_digest, entries))
    return [*found, *_repeated_names(entries), *_repeated_content(entries, digests), *_licences(entries)]


def usable(entries: Sequence[Entry], *, on_bad: str = "refuse") -> tuple[list[Entry], list[Problem]]:
    """Return the sources whose files are there and fit each other as far as their heads tell, and the other's problems.

    What only decoding shows is found when the frames are read.

    Args:
        entries: Of any role.
        on_bad: "refuse" raises for the first bad source; "skip" leaves bad ones out.

    Raises:
        InputError: A source is bad and ``on_bad`` is "refuse", or none is left.
    """
    check_choice("on_bad", on_bad, ON_BAD)
    bad = list(_repeated_names(entries))
    repeated = {problem.entry for problem in bad}
    good = []
    for entry in entries:
        problem = None if entry.name in repeated else head_problem(entry)
        if problem is not None:
            bad.append(problem)
        elif entry.name not in repeated:
            good.append(entry)
        if bad and on_bad == "refuse":
            raise InputError(bad[0].message)
    if bad and not good:
        raise InputError(f"at least one source must be usable; all {len(entries)} are bad, the first: {bad[0].message}")
    return good, bad


def head_problem(entry: Entry) -> Problem | None:
    """Return what the presence and the heads of an entry's files show to be wrong, or None."""
    for path in (entry.path, entry.alpha):
        if path is not None and not path.exists():
            return Problem(entry.name, "missing", f"{entry.name}: {path} must be there; it is not; check the list")
    try:
        source_info(entry)
        check_annotated(entry)
    except InputError as error:
        return problem_of(entry, error)
    return None


def _examine(entry: Entry) -> list[Problem]:
    """Return what is wrong with one source by itself."""
    problem = head_problem(entry)
    if problem is not None:
        return [problem]
    indices = range(source_info(entry).frames)
    look = AlphaLook()
    try:
        if entry.role == "foreground":
            for frame in foreground_frames(entry, indices):
                look.add(frame)
        else:
            masks = alpha_frames(entry, indices) if entry.alpha is not None else iter(())
            for _ in chain(colour_frames(entry, indices), masks):
                pass
    except InputError as error:
        return [problem_of(entry, error)]
    return [] if entry.role != "foreground" else list(_alpha_problems(entry, look))


def _alpha_problems(entry: Entry, look: AlphaLook) -> Iterator[Problem]:
    if look.is_empty:
        yield empty_alpha(entry)
        return
    if look.soft_share < SOFT_SHARE:
        what = "it is opaque everywhere" if look.is_full else f"{look.soft_share:.3%} of its pixels are"
        message = f"{entry.name}: alpha should be soft on {SOFT_SHARE:.1%} of pixels or more; {what}; is it a mask?"
        yield Problem(entry.name, "hard", message)
    if look.is_premultiplied:
        yield Problem(
            entry.name,
            "premultiplied",
            f"{entry.name}: colour should be straight; it darkens as alpha falls; divide it by alpha",
        )


def empty_alpha(entry: Entry) -> Problem:
    """Return the problem of a foreground that shows nothing."""
    return Problem(entry.name, "empty", f"{entry.name}: alpha must show something; it is 0 everywhere; replace it")


def problem_of(entry: Entry, error: InputError) -> Problem:
    """Return what an error says of the source that it came from."""
    return Problem(entry.name, "unreadable" if isinstance(error, MediaError) else "mismatch", str(error))


def _repeated_names(entries: Sequence[Entry]) -> Iterator[Problem]:
    """Yield a problem for every entry whose name an earlier one has."""
    owners: dict[str, Entry] = {}
    for entry in entries:
        owner = owners.setdefault(entry.name, entry)
        if owner.split != entry.split:
            message = f"{entry.name}: it must be in one split; it is in {owner.split} and in {entry.split}; choose one"
            yield Problem(entry.name, "split", message)
        elif owner is not entry:
            message = f"{entry.name}: each source must have its own name; this one comes twice; rename one"
            yield Problem(entry.name, "name", message)


def _repeated_content(entries: Sequence[Entry], digests: Iterable[str | None]) -> Iterator[Problem]:
    """Yield a problem for every entry whose colour files an earlier one of the same role has, byte for byte."""
    owners: dict[tuple[str, str], Entry] = {}
    for entry, digest in zip(entries, digests, strict=True):
        if digest is None:
            continue
        owner = owners.setdefault((entry.role, digest), entry)
        if owner is entry or owner.name == entry.name:
            continue
        if owner.split != entry.split:
            message = (
                f"{entry.name}: its bytes must be in one split; they are in {entry.split} and, as {owner.name}, in "
                f"{owner.split}; take one out"
            )
            yield Problem(entry.name, "split", message)
        else:
            message = f"{entry.name}: its colour should be in the list once; {owner.name} has the same bytes; drop one"
            yield Problem(entry.name, "duplicate", message)


def _licences(entries: Sequence[Entry]) -> Iterator[Problem]:
    for entry in entries:
        if entry.licence.strip():
            continue
        if entry.use == "ship":
            message = f'{entry.name}: use "ship" must rest on a licence; none is stated; state it, or use "research"'
            yield Problem(entry.name, "unlicensed", message)
        else:
            yield Problem(entry.name, "licence", f"{entry.name}: the licence should be stated; it is empty; fill it in")


def _digest(entry: Entry) -> str | None:
    """Return a hash of a source's colour files, or None where they cannot be read."""
    whole = hashlib.blake2b(digest_size=16)
    try:
        for path in entry_files(entry):
            whole.update(_file_digest(path))
    except (OSError, InputError):
        return None
    return whole.hexdigest()


def _file_digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").digest()
