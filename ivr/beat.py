"""The sign of life of a child of the supervisor, given from inside its event loop.

A loop that hangs gives none, and its process is ended for it.
"""

from __future__ import annotations

import asyncio
import os

BEAT_S = 0.5


async def beat() -> None:
    """Tell the supervisor, as long as there is one, that this loop turns."""
    handle = os.environ.pop("SIAGA_BEAT_FD", "")
    if not handle.isdigit():
        return
    pipe = int(handle)
    os.set_blocking(pipe, False)
    while True:
        try:
            os.write(pipe, b".")
        except BlockingIOError:
            pass  # the supervisor stands still; it finds enough signs of life when it goes on
        except OSError:
            return  # it is gone, and calls go on without it
        await asyncio.sleep(BEAT_S)
