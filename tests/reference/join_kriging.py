"""Ordinary kriging written out as the textbook's linear system."""

import numpy as np


def ordinary_kriging(xy, values, target, *, covariance, sill):
    """Mean and variance at one place; `covariance` is of two different places, `sill` of one with itself."""
    n = len(values)
    system = np.zeros((n + 1, n + 1))
    right = np.ones(n + 1)
    for i in range(n):
        for j in range(n):
            system[i, j] = sill if i == j else covariance(np.hypot(*(xy[i] - xy[j])))
        right[i] = covariance(np.hypot(*(xy[i] - target)))
    system[n, :n] = system[:n, n] = 1.0
    solution = np.linalg.solve(system, right)
    return float(solution[:n] @ values), float(sill - solution @ right)
