"""Engineering axes the slow and obvious way."""

from __future__ import annotations

import math

import numpy as np


def map_conversion_matrix(values: dict[str, float]) -> np.ndarray:
    """Write IfcMapConversionScaled as the standard prints it: shift @ turn @ factors @ scale, in homogeneous form."""
    turn = math.atan2(values["x_axis_ordinate"], values["x_axis_abscissa"])
    scale = np.diag([values["scale"]] * 3 + [1.0])
    factors = np.diag([values["factor_x"], values["factor_y"], values["factor_z"], 1.0])
    rotation = np.eye(4)
    rotation[:2, :2] = [[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]
    shift = np.eye(4)
    shift[:3, 3] = values["eastings"], values["northings"], values["orthogonal_height"]
    return shift @ rotation @ factors @ scale


def similarity_by_normal_equations(local: np.ndarray, on_map: np.ndarray) -> np.ndarray:
    """Solve east = a x - b y + c, north = b x + a y + d for a, b, c, d with one row an equation."""
    rows, right = [], []
    for (x, y), (east, north) in zip(local, on_map, strict=True):
        rows += [[x, -y, 1, 0], [y, x, 0, 1]]
        right += [east, north]
    design, wanted = np.array(rows, dtype=float), np.array(right, dtype=float)
    return np.linalg.solve(design.T @ design, design.T @ wanted)


def affine_by_normal_equations(local: np.ndarray, on_map: np.ndarray) -> np.ndarray:
    """Solve for the two rows (a, b, c) of an affine grid."""
    design = np.column_stack([local, np.ones(len(local))])
    return np.linalg.solve(design.T @ design, design.T @ on_map).T
