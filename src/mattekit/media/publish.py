"""Gives what was written its name, in a way that can be taken back until the outputs beside it have theirs too."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mattekit.checks import MediaError
from mattekit.media.paths import reason, show_path
from mattekit.media.verify import remove, sync

if TYPE_CHECKING:
    from mattekit.media.outputs import Plan


class Publication:
    """The steps that gave an output its name.

    Args:
        folder: Where the output stands.
        left: What is to be taken away when all is settled, as what stood there before.
    """

    def __init__(self, folder: Path, left: Path) -> None:
        self._folder, self._left = folder, left
        self._back: list[Callable[[], object]] = []

    def done(self, back: Callable[[], object]) -> None:
        """Take note of a step, and of what takes it back."""
        self._back.append(back)

    def withdraw(self) -> None:
        """Take every step back: what stood there before stands there again."""
        while self._back:
            with suppress(OSError):
                self._back.pop()()

    def settle(self) -> None:
        """Take away what stood there before; after that nothing can be taken back."""
        self._back.clear()
        remove(self._left)
        with suppress(OSError, MediaError):  # the output is whole and has its name; that must be its only outcome
            sync(self._folder)


def publish_file(temporary: Path, final: Path, *, overwrite: bool, left: Path | None = None) -> Publication:
    """Give a finished file its name, in one step: at any time the old file or the new one has it.

    Args:
        temporary: The file; what stood there before is kept beside it.
        final: Its name.
        overwrite: Whether what stands there may be replaced.
        left: The hidden folder that the file is in, to be taken away in the end, or None where it is in none.

    Raises:
        MediaError: Something stands there and must not be replaced, or the file cannot be renamed.
    """
    old = _old_name(temporary)
    with _publishing(final, Path(os.path.abspath(final)).parent, left or old) as publication:
        if overwrite and os.path.lexists(final):
            publication.done(lambda: _put_back(old, final))
            _keep(final, old)
            os.replace(temporary, final)
        else:
            _rename_new(temporary, final)
            publication.done(lambda: os.unlink(final))
    return publication


def publish_folder(temporary: Path, final: Path) -> Publication:
    """Give a finished folder its name; an earlier output that stands there is kept until the new one is settled.

    Raises:
        MediaError: The folder cannot be renamed; the earlier output stands there again.
    """
    old = _old_name(temporary)
    with _publishing(final, Path(os.path.abspath(final)).parent, old) as publication:
        if final.exists():
            os.rename(final, old)
            publication.done(lambda: os.rename(old, final))
        os.rename(temporary, final)
        publication.done(lambda: os.rename(final, temporary))
    return publication


def publish_files(temporary: Path, plan: Plan, *, overwrite: bool) -> Publication:
    """Move finished files to the folder of a pattern, all or none; earlier files of the pattern are taken away.

    At any time each name has its old file or its new one.

    Raises:
        MediaError: A file stands there and must not be replaced, or one cannot be renamed.
    """
    folder, old = plan.path.parent, _old_name(temporary)
    standing = plan.standing()
    if standing and not overwrite:
        raise MediaError(f"{show_path(standing[0])} must not exist yet; it appeared meanwhile; choose another name")
    with _publishing(plan.path, folder, old) as publication:
        if standing:
            old.mkdir()
            publication.done(old.rmdir)
        superfluous = set(standing)
        for file in sorted(temporary.iterdir()):
            target = folder / file.name
            if target in superfluous:
                superfluous.remove(target)
                publication.done(partial(_put_back, old / file.name, target))
                _keep(target, old / file.name)
                os.replace(file, target)
            else:
                _rename_new(file, target)
                publication.done(target.unlink)
        for file in sorted(superfluous):
            publication.done(partial(_put_back, old / file.name, file))
            os.rename(file, old / file.name)
    with suppress(OSError):
        temporary.rmdir()
        publication.done(temporary.mkdir)
    return publication


@contextmanager
def _publishing(final: Path, folder: Path, left: Path) -> Iterator[Publication]:
    """Give the steps of a block to a publication, which takes them back when the block raises."""
    publication = Publication(folder, left)
    try:
        yield publication
    except FileExistsError as error:
        publication.withdraw()
        raise MediaError(
            f"{show_path(final)} must not exist yet; it appeared meanwhile; choose another name or allow overwriting"
        ) from error
    except OSError as error:
        publication.withdraw()
        raise MediaError(
            f"{show_path(final)} must be free to be written; {reason(error)}; choose another name"
        ) from error
    except BaseException:
        publication.withdraw()
        raise


def _old_name(temporary: Path) -> Path:
    """Return the hidden name beside an output's temporary one for what stands in its place."""
    return temporary.with_name(f"{temporary.name}-old")


def _put_back(old: Path, final: Path) -> None:
    """Give a file that was kept its name again; where it has both names, take the hidden one away."""
    if os.path.lexists(old) and os.path.lexists(final) and os.path.samestat(os.lstat(old), os.lstat(final)):
        os.unlink(old)
    elif os.path.lexists(old):
        os.replace(old, final)


def _keep(final: Path, old: Path) -> None:
    """Give a file a second name, or another one where the system has no such thing."""
    try:
        os.link(final, old, follow_symlinks=False)
    except (OSError, NotImplementedError):
        os.rename(final, old)


def _rename_new(temporary: Path, final: Path) -> None:
    """Rename a file to a name that nothing has; the link fails where something has it, a rename would replace it."""
    try:
        os.link(temporary, final, follow_symlinks=False)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):
        if os.path.lexists(final):
            raise FileExistsError(os.fspath(final)) from None
        os.rename(temporary, final)
        return
    remove(temporary)
