"""The course of a working day."""

from __future__ import annotations

import numpy as np


def profile(hour: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the morning and of the evening peak flow at an hour of a working day."""

    def bell(centre: float, width: float) -> np.ndarray:
        away = np.abs(hour - centre)
        return np.exp(-((np.minimum(away, 24.0 - away) / width) ** 2))

    morning = 0.03 + 0.92 * bell(8.2, 1.3) + 0.40 * bell(12.6, 3.2)
    evening = 0.03 + 0.92 * bell(17.9, 1.7) + 0.40 * bell(13.8, 3.4) + 0.12 * bell(21.5, 2.0)
    return morning, evening
