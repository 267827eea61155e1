"""Where compiled kernels are kept, where neither the package nor the user's home can be written to.

numba keeps them beside the source, else in the user's cache folder, and refuses to go on where it may write to none of
them, as in a container without a home. A temporary folder then serves this process and the workers it starts.
"""

import os
import sys
from pathlib import Path

VARIABLE = "NUMBA_CACHE_DIR"


def ensure_kernel_cache() -> None:
    """See to it that numba has somewhere to write to, before any kernel is defined."""
    beside = Path(__file__).resolve().parent / "__pycache__"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    if not (os.environ.get(VARIABLE) or _writable(beside) or _writable(cache)):
        _use_temporary_folder()


def _writable(folder: Path) -> bool:
    """Whether a folder can be written to, or made."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _use_temporary_folder() -> None:
    import atexit
    import shutil
    import tempfile

    folder = tempfile.mkdtemp(prefix="contourbench-kernels-")  # of this user alone: what lies in it is executed
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ[VARIABLE] = folder
    if "numba" in sys.modules:  # it reads its settings when it is imported
        sys.modules["numba"].config.CACHE_DIR = folder
