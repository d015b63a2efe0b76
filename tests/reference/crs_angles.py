"""Writing angles the way people do, from whole units of the last digit, with exact fractions."""

from __future__ import annotations

from fractions import Fraction


def hundredths(units: int) -> tuple[int, int, int, int]:
    """Split hundredths of a second into degrees, minutes, seconds and hundredths."""
    seconds, rest = divmod(units, 100)
    minutes, seconds = divmod(seconds, 60)
    degrees, minutes = divmod(minutes, 60)
    return degrees, minutes, seconds, rest


def angle(units: int, *, sign: int = 1) -> float:
    """The angle of so many hundredths of a second, degrees."""
    return float(sign * Fraction(units, 360000))


def spellings(units: int, letter: str, chinese: str) -> list[str]:
    """Return one angle in the spellings that are promised to be read."""
    d, m, s, c = hundredths(units)
    seconds = f"{s:02d}.{c:02d}"
    full = {code: code + 0xFEE0 for code in map(ord, "0123456789.")}
    return [
        f"{d}°{m:02d}'{seconds}\"{letter}",
        f"{letter}{d}°{m}'{s}.{c:02d}\"",
        f"{letter} {d:03d} {m:02d} {seconds}",
        f"{d} {m} {seconds} {letter}",
        f"{d}:{m:02d}:{seconds}{letter.lower()}",
        f"{d}d{m}m{seconds}s {letter}",
        f"{d}\u00ba {m}\u2032 {seconds}\u2033 {letter}",
        f"{d}\u00b0{m}\u2019{seconds}\u201d{letter}",
        f"{d}度{m}分{seconds}秒{letter}",
        f"{chinese}{d}度{m}分{seconds}秒",
        f"{d}°{m}'{seconds}''{letter}".translate(full),
    ]
