"""Streets, timetables and what moves on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from layers.formats.model import Format

__all__ = ["FORMATS"]

FORMATS: tuple[Format, ...] = ()
