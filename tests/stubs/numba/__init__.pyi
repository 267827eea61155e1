"""What mypy knows of numba: the compiled function has the types of the one that was written."""

from collections.abc import Callable
from typing import TypeVar

F = TypeVar("F", bound=Callable[..., object])

def njit(
    *, cache: bool = ..., nogil: bool = ..., fastmath: bool | set[str] = ..., error_model: str = ...
) -> Callable[[F], F]: ...
