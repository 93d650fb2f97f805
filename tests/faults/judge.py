"""What is allowed to stand in a folder after a job that met a fault, and what the command may have said."""

from __future__ import annotations

from collections.abc import Mapping

from faults.jobs import JOBS

Contents = Mapping[str, bytes]
TEMPORARY = ".mattekit-"


def failings(kind: str, before: Contents, whole: Contents, after: Contents) -> list[str]:
    """Return what is wrong with a folder after a job that did not end by a sudden death; nothing when all is right.

    Every output stands as it would without the fault, or every one as before the job, and nothing else is there.

    Args:
        kind: A key of `JOBS`.
        before: The folder before the job.
        whole: The folder after the same job without a fault.
        after: The folder now.
    """
    if after in (before, whole):
        return []
    found = [f"{path} is left over" for path in after if path not in before and path not in whole]
    found += [f"{path} is gone" for path in before if path not in after and path not in whole]
    for final in JOBS[kind].finals:
        if _part(after, final) not in (_part(before, final), _part(whole, final)):
            found.append(f"{final} is neither old nor new")
    return found or ["some outputs are new and some are not"]


def failings_of_death(kind: str, before: Contents, whole: Contents, after: Contents) -> list[str]:
    """Return what is wrong with a folder after a job that was killed.

    Hidden temporary files may be left. Each output by itself is as before or whole; a folder, which is not replaced in
    one step, may also be absent, and then what stood there is kept in a hidden one.
    """
    found = [
        f"{path} is left over"
        for path in after
        if path not in before and path not in whole and not path.startswith(TEMPORARY)
    ]
    hidden = {data for path, data in after.items() if path.startswith(TEMPORARY)}
    for final in JOBS[kind].finals:
        old, new, now = _part(before, final), _part(whole, final), _part(after, final)
        kept = final.endswith("/") and not now and set(old.values()) - {b""} <= hidden
        if now not in (old, new) and not kept:
            found.append(f"{final} is neither old nor new")
    return found


def wrong_answer(code: int, said: str, *, expected: tuple[int, ...]) -> str | None:
    """Return what is wrong with how a command that failed ended, or None: a code that is expected, and one line."""
    if code not in expected:
        return f"it ended with {code}, not {' or '.join(map(str, expected))}: {said!r}"
    if said.count("\n") != 1 or not said.startswith("mattekit: ") or not said.endswith("\n"):
        return f"it must say one line; it said {said!r}"
    return None


def _part(contents: Contents, final: str) -> dict[str, bytes]:
    """Return what stands at a place, and below it where it is a folder."""
    return {
        path: data for path, data in contents.items() if path == final or (final[-1] == "/" and path.startswith(final))
    }
