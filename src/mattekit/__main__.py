"""``python -m mattekit`` is the command ``mattekit``."""

import sys

from mattekit.cli import main

if __name__ == "__main__":
    sys.exit(main())
