"""The series of the transverse Mercator, to the sixth order in the third flattening."""

from __future__ import annotations

from functools import lru_cache

__all__ = ["krueger_series"]


def _polynomial(n: float, power: int, *terms: float) -> float:
    """Return n**power times the polynomial of the terms, lowest first."""
    total = 0.0
    for term in reversed(terms):
        total = total * n + term
    return total * n**power


@lru_cache(maxsize=64)
def krueger_series(n: float) -> tuple[tuple[float, ...], ...]:
    """Return Krueger's series there and back, and those of the conformal latitude there and back.

    Parameters
    ----------
    n : float
        Third flattening of the ellipsoid.

    Returns
    -------
    tuple of tuple of float
        Six terms each: sphere to plane, plane to sphere, geodetic to conformal latitude, conformal to geodetic.

    References
    ----------
    Karney (2011), Transverse Mercator with an accuracy of a few nanometers, J. Geodesy 85, equations 35 and 36; Poder
    and Engsager (1998), Some conformal mappings and transformations for geodesy and topographic cartography.
    """
    p = _polynomial
    alpha = (
        p(n, 1, 1 / 2, -2 / 3, 5 / 16, 41 / 180, -127 / 288, 7891 / 37800),
        p(n, 2, 13 / 48, -3 / 5, 557 / 1440, 281 / 630, -1983433 / 1935360),
        p(n, 3, 61 / 240, -103 / 140, 15061 / 26880, 167603 / 181440),
        p(n, 4, 49561 / 161280, -179 / 168, 6601661 / 7257600),
        p(n, 5, 34729 / 80640, -3418889 / 1995840),
        p(n, 6, 212378941 / 319334400),
    )
    beta = (
        p(n, 1, 1 / 2, -2 / 3, 37 / 96, -1 / 360, -81 / 512, 96199 / 604800),
        p(n, 2, 1 / 48, 1 / 15, -437 / 1440, 46 / 105, -1118711 / 3870720),
        p(n, 3, 17 / 480, -37 / 840, -209 / 4480, 5569 / 90720),
        p(n, 4, 4397 / 161280, -11 / 504, -830251 / 7257600),
        p(n, 5, 4583 / 161280, -108847 / 3991680),
        p(n, 6, 20648693 / 638668800),
    )
    conformal = (
        p(n, 1, -2, 2 / 3, 4 / 3, -82 / 45, 32 / 45, 4642 / 4725),
        p(n, 2, 5 / 3, -16 / 15, -13 / 9, 904 / 315, -1522 / 945),
        p(n, 3, -26 / 15, 34 / 21, 8 / 5, -12686 / 2835),
        p(n, 4, 1237 / 630, -12 / 5, -24832 / 14175),
        p(n, 5, -734 / 315, 109598 / 31185),
        p(n, 6, 444337 / 155925),
    )
    geodetic = (
        p(n, 1, 2, -2 / 3, -2, 116 / 45, 26 / 45, -2854 / 675),
        p(n, 2, 7 / 3, -8 / 5, -227 / 45, 2704 / 315, 2323 / 945),
        p(n, 3, 56 / 15, -136 / 35, -1262 / 105, 73814 / 2835),
        p(n, 4, 4279 / 630, -332 / 35, -399572 / 14175),
        p(n, 5, 4174 / 315, -144838 / 6237),
        p(n, 6, 601676 / 22275),
    )
    return alpha, beta, conformal, geodetic
