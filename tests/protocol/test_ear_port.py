"""The controller's port for Asterisk: callers are listened to only while it is ours."""

from __future__ import annotations

import asyncio
import socket

import pytest
from protocol.test_relay import Speech, until, within_time
from structlog.testing import capture_logs
from tcp import free_port
from websockets.asyncio.server import serve

from ivr import app
from ivr.speech.ear import Ear
from ivr.speech.relay import Relay
from ivr.speech.wire import ASTERISK, CONTROLLER


@within_time
async def test_nobody_listens_while_somebody_else_has_the_port_and_soon_after_it_is_free() -> None:
    speech, speech_port = Speech(), free_port()
    ear = Ear(speech_port)
    server = serve(
        speech.serve,
        "127.0.0.1",
        speech_port,
        subprotocols=[ASTERISK, CONTROLLER],  # type: ignore[list-item]
        close_timeout=0.1,
    )
    with pytest.MonkeyPatch.context() as patch, capture_logs() as logged, socket.socket() as taken:
        patch.setattr(app, "EAR_PORT_AGAIN_S", 0.05)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with server:
            hearing = asyncio.create_task(
                app._heard(Relay(ear, speech_port, key="ours"), ear, port)
            )
            await until(lambda: len(logged) > 2)
            assert not ear.listens()
            assert {line["event"] for line in logged} == {"nobody_is_heard"}
            taken.close()
            await until(ear.listens)
            hearing.cancel()
            await asyncio.wait([hearing])
            assert not ear.listens()
