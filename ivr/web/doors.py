"""The doors for locations that come from outside a call: AML by HTTPS, and by an SMS gateway.

Whatever is believed goes into the spool, and nothing else happens here. A phone is always told that
all is well, as AML asks for: it could do nothing about it. A gateway is told what it did wrong, so that
it can try again.
"""

from __future__ import annotations

import asyncio
import hmac
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl

import orjson
import structlog
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ivr.config import Config
from ivr.location.aml import Refused, Report, read_form, read_sms, unpack
from ivr.location.numbers import e164
from ivr.location.spool import Spool, arrival
from ivr.web import credentials
from ivr.web.seldom import Seldom

LONGEST = 16 * 1024
"""Bytes of a body that are looked at; a longer one is no report."""

MOST_TAKEN = 2 * 1024 * 1024
"""Bytes of a body that are taken in, and thrown away, before the door is shut."""

BODY_S = 5.0
MOST_FIELDS = 20
BEARER = "bearer "

log = structlog.get_logger(__name__)


class _NotTaken(Exception):
    """The body did not come, or there was no end to it; ``status`` is what to answer."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def doors(config: Config, clock: Callable[[], float] = time.time) -> Starlette:
    """The application: ``POST /aml``, ``POST /aml/sms``, ``GET /health``."""
    seldom = Seldom()
    keeper = _Keeper(Spool(config.spool_dir), seldom, clock)
    return Starlette(
        routes=[
            Route(
                "/aml",
                _patient(_Aml(config.aml_key_file, keeper, seldom), seldom),
                methods=["POST"],
            ),
            Route(
                "/aml/sms",
                _patient(_Sms(config.sms_token_file, keeper, seldom), seldom),
                methods=["POST"],
            ),
            Route("/health", _health, methods=["GET"]),
        ],
        exception_handlers={Exception: _failed},
    )


class _Keeper:
    """Puts what is believed into the spool, one after the other."""

    def __init__(self, spool: Spool, seldom: Seldom, clock: Callable[[], float]) -> None:
        self._spool, self._seldom, self._clock = spool, seldom, clock
        self._one_at_a_time = threading.Lock()

    async def keep(self, report: Report) -> bool:
        """True once it is there; else a line in the log says why not."""
        try:
            await asyncio.to_thread(self._put, report)
        except OSError as error:
            self._seldom.warning("location_not_kept", error.strerror or type(error).__name__)
            return False
        log.info("location_received", kind=report.kind, pii_number=report.number)
        return True

    def _put(self, report: Report) -> None:
        with self._one_at_a_time:
            self._spool.put(arrival(report, self._clock()))


class _Aml:
    """A phone's own report. Its answer is the same whatever becomes of it."""

    def __init__(self, key_file: Path, keeper: _Keeper, seldom: Seldom) -> None:
        self._key_file, self._keeper, self._seldom = key_file, keeper, seldom

    async def __call__(self, request: Request) -> Response:
        body = await _body(request)
        report = Refused("too_long") if body is None else self._believed(body)
        if isinstance(report, Refused):
            self._seldom.warning("aml_not_used", report.reason)
        elif report is not None and report.number is None:
            self._seldom.warning("aml_not_used", "no_number")
        elif report is not None:
            await self._keeper.keep(report)
        return Response(status_code=204)

    def _believed(self, body: bytes) -> Report | Refused | None:
        """Without a key nothing is."""
        try:
            key = credentials.read(self._key_file)
        except credentials.Unusable as error:
            self._seldom.warning("aml_without_key", str(error), file=str(self._key_file))
            return None
        return read_form(body, key)


class _Sms:
    """An SMS that a gateway received, handed on by whoever knows the token."""

    def __init__(self, token_file: Path, keeper: _Keeper, seldom: Seldom) -> None:
        self._token_file, self._keeper, self._seldom = token_file, keeper, seldom

    async def __call__(self, request: Request) -> Response:
        if not self._is_known(request):
            return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
        body = await _body(request)
        if body is None:
            return PlainTextResponse("too long", 413)
        try:
            sender, text = _message(request.headers.get("content-type", ""), body)
        except ValueError as error:
            self._seldom.warning("sms_not_used", "not_a_message")
            return PlainTextResponse(str(error), 400)
        number, report = e164(sender), read_sms(text)
        if report is None or number is None:
            self._seldom.warning("sms_not_used", "no_aml" if report is None else "no_number")
        elif not await self._keeper.keep(replace(report, number=number)):
            return PlainTextResponse("not kept; try again", 503)
        return Response(status_code=204)

    def _is_known(self, request: Request) -> bool:
        try:
            token = credentials.read(self._token_file)
        except credentials.Unusable as error:
            self._seldom.warning("sms_without_token", str(error), file=str(self._token_file))
            return False
        told = request.headers.get("authorization", "")
        shown = told[len(BEARER) :].strip().encode("latin-1")
        if told[: len(BEARER)].lower() == BEARER and hmac.compare_digest(shown, token):
            return True
        self._seldom.warning("sms_not_used", "wrong_token")
        return False


async def _health(request: Request) -> Response:
    return PlainTextResponse("ok")


async def _failed(request: Request, error: Exception) -> Response:
    """A fault of ours is a line in the log, and no news to a phone."""
    log.error("door_failed", path=request.url.path, exc_info=error)
    return Response(status_code=204 if request.url.path == "/aml" else 500)


def _patient(
    door: Callable[[Request], Awaitable[Response]], seldom: Seldom
) -> Callable[[Request], Awaitable[Response]]:
    """The door, shut for whoever takes too long or never ends."""

    async def answer(request: Request) -> Response:
        try:
            return await door(request)
        except _NotTaken as error:
            seldom.warning("body_not_taken", str(error))
            return Response(status_code=error.status)
        except ClientDisconnect:
            seldom.warning("body_not_taken", "disconnected")
            return Response(status_code=400)

    return answer


async def _body(request: Request) -> bytes | None:
    """The whole body, None where it is too long to be a report; raises _NotTaken."""
    taken, body = 0, bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for piece in request.stream():
                taken += len(piece)
                if taken > MOST_TAKEN:
                    raise _NotTaken(413, "endless")
                if taken <= LONGEST:
                    body += piece
    except TimeoutError:
        raise _NotTaken(408, "slow") from None
    return bytes(body) if taken <= LONGEST else None


def _message(content_type: str, body: bytes) -> tuple[str, str]:
    """The sender and the text of an SMS; raises ValueError with what is wrong, in English."""
    fields: object
    if content_type.partition(";")[0].strip().lower() == "application/json":
        fields = orjson.loads(body)  # its error is a ValueError
    else:
        said = body.decode(errors="replace")
        fields = dict(parse_qsl(said, max_num_fields=MOST_FIELDS, errors="replace"))
    if not isinstance(fields, dict):
        raise ValueError("not an object")
    sender, text, data = (fields.get(name) for name in ("from", "text", "data"))
    if not isinstance(sender, str):
        raise ValueError("`from` is missing")
    if isinstance(text, str) and data is None:
        return sender, text
    if isinstance(data, str) and text is None:
        return sender, unpack(bytes.fromhex(data))
    raise ValueError("one of `text` and `data` (hexadecimal) is needed")
