"""One signed message to an address that an administrator configured: taken, or not, and why.

Whoever reads it can tell that it is ours by the signature over its body. Nothing is ever sent on to
where an answer points, and nothing that is returned here holds the address, which may be a secret.
"""

from __future__ import annotations

import hashlib
import hmac
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

POST_S = 5.0
SIGNATURE = "X-Siaga-Signature"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one message: the status that came back, or the error where none came."""

    taken: bool
    status: int | None = None
    error: str | None = None


class _Stay(urllib.request.HTTPRedirectHandler):
    """A webhook that sends us elsewhere is not the one that was configured."""

    def redirect_request(self, *said: Any, **more: Any) -> None:
        return None


def post(url: str, secret: str, body: bytes) -> Answer:
    """Send one JSON body. Never raises; a receiver that is silent for five seconds did not take it."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    request = urllib.request.Request(  # noqa: S310 (config refuses all but http and https)
        url,
        data=body,
        headers={"Content-Type": "application/json", SIGNATURE: f"sha256={digest}"},
    )
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=POST_S) as answer:
            return Answer(True, answer.status)
    except Exception as error:  # whatever a network may come up with
        status = error.code if isinstance(error, urllib.error.HTTPError) else None
        return Answer(False, status, type(error).__name__)
