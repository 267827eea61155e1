"""``python -m contourbench.bench`` is the ``contourbench`` command."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
