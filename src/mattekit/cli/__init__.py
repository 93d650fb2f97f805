"""The command line: one file a verb; the one place where concrete parts are chosen."""

from mattekit.cli.app import main

__all__ = ["main"]
