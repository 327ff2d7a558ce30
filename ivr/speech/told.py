"""Tells how speech recognition stands: once to whoever started the machine, to the alarm ever after."""

from __future__ import annotations

from collections.abc import Callable

from ivr.config import Config
from ivr.platforms.asterisk import pbx
from ivr.speech.alarm import SpeechAlarm
from ivr.speech.standing import Standing


class Told:
    """``tell`` is called once, as soon as it is known whether speech works: with why not, or nothing."""

    def __init__(
        self, config: Config, daerah: Callable[[], str], tell: Callable[[str], None]
    ) -> None:
        self._config = config
        self._tell: Callable[[str], None] | None = tell
        self._alarm = SpeechAlarm(
            config.home / "run" / "speech-up.prom",
            daerah,
            url=config.notify_url,
            secret=pbx.secret(config, "notify"),
        )

    def look(self, now: Standing) -> None:
        """Every moment. What only begins is not told of before it was seen to work or to fail."""
        if self._tell is not None:
            if now.state == "starting":
                return
            self._tell(now.why)
            self._tell = None
        if self._config.speech.on:
            self._alarm.tell(up=now.state == "running" and not now.why, why=now.why)

    def close(self) -> None:
        """Stop delivering."""
        self._alarm.close()
