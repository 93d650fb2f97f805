"""Sources held out of training for validation, chosen by their names alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from mattekit.data.pack import Source

SHARE = 0.08
"""Share of the sources that is held out."""


def is_held_out(name: str, *, share: float = SHARE) -> bool:
    """Whether a source is for validation; the answer hangs on nothing but its name.

    Example:
        >>> is_held_out("a", share=0.0), is_held_out("a", share=1.0)
        (False, True)
    """
    digest = hashlib.sha256(name.encode("utf-8")).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def hold_out(sources: Sequence[Source], *, share: float = SHARE) -> tuple[list[Source], list[Source]]:
    """Split sources into those for training and those for validation.

    Where chance would hold none out, it is the last by digest; a single source is never held out.

    Args:
        sources: Of one role.
        share: Of them that is held out.

    Returns:
        Sources for training, at least one where there is one; and for validation, at least one where there are two.
    """
    held = [source for source in sources if is_held_out(source.name, share=share)]
    if len(sources) > 1 and not held:
        held = [max(sources, key=lambda source: hashlib.sha256(source.name.encode("utf-8")).digest())]
    if len(held) == len(sources):
        held = held[1:]
    names = {source.name for source in held}
    return [source for source in sources if source.name not in names], held
