"""``python -m contourbench`` is the ``contourbench`` command."""

from .bench.cli.main import entry

if __name__ == "__main__":
    entry()
