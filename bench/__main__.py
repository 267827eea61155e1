"""``python -m contourbench.bench`` is the ``contourbench`` command."""

from .cli import entry

if __name__ == "__main__":
    entry()
