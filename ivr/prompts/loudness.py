"""How loud a person hears a prompt: measured after ITU-R BS.1770, set to one figure for all.

A caller turns no knob between two prompts, so all of them, of whatever voice, are equally loud:
TARGET_LUFS, give or take TOLERANCE_LU. Speech has peaks far above its loudness. Where a plain gain
would drive them over PEAK_DBFS, they are pressed down, slowly enough that nobody hears it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

TARGET_LUFS = -19.0
TOLERANCE_LU = 1.0
PEAK_DBFS = -1.5

_BLOCK_S = 0.4  # the gating block of BS.1770
_REACH_S = 0.02  # a peak is pressed down together with this much on both sides of it
_ROUNDS = 8  # pressing peaks down costs loudness, which the next round gives back
_NEAR_LU = 0.05


def lufs(samples: NDArray[Any], rate: int) -> float:
    """The integrated loudness of mono samples between -1 and 1; -inf for silence.

    What is shorter than one gating block is one block, as long as it is.
    """
    from pyloudnorm import Meter  # noqa: PLC0415  loads SciPy, which no call needs

    samples = np.asarray(samples, dtype=np.float64)
    if len(samples) < 2 or not samples.any():
        return -math.inf
    block = min(_BLOCK_S, (len(samples) - 1) / rate)
    return float(Meter(rate, block_size=block).integrated_loudness(samples))


def levelled(samples: NDArray[Any], rate: int) -> NDArray[np.float64]:
    """The samples at TARGET_LUFS with no peak over PEAK_DBFS; silence stays as it is.

    Only levels change. The peak limit wins over the loudness.
    """
    samples = np.asarray(samples, dtype=np.float64)
    loudness = lufs(samples, rate)
    if loudness == -math.inf:
        return samples
    gain = TARGET_LUFS - loudness
    limit = 10 ** (PEAK_DBFS / 20)
    found = samples
    for _ in range(_ROUNDS):
        found = _pressed(samples * 10 ** (gain / 20), limit, round(_REACH_S * rate))
        missing = TARGET_LUFS - lufs(found, rate)
        if abs(missing) < _NEAR_LU:
            break
        gain += missing
    return found


def _pressed(samples: NDArray[np.float64], limit: float, reach: int) -> NDArray[np.float64]:
    """The samples with every peak at most `limit`, by a gain that moves smoothly.

    A gain that is low enough for all samples within `reach`, averaged over that reach, is still low
    enough for the one in its middle.
    """
    enough = np.minimum(1.0, limit / np.maximum(np.abs(samples), limit))
    padded = np.pad(enough, 2 * reach, constant_values=1.0)
    lowest = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).min(axis=1)
    weights = np.hanning(2 * reach + 3)[1:-1]
    return samples * np.convolve(lowest, weights / weights.sum(), mode="valid")
