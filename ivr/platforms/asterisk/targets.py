"""What may stand in a dial string, and nothing else.

Asterisk's Dial takes ``&`` for another leg and ``,`` for options, so a number is digits (and * #),
a name is ``[a-z0-9-]``, and a URI is matched whole. Nothing a caller sent comes here at all.
"""

from __future__ import annotations

import re

from routing.directory import DIRECT

PLAYED = "Local/peran@siaga-latihan/n"
"""Asterisk itself plays an agency that has no real contact yet."""

PLAYED_OPERATOR = "Local/petugas@siaga-latihan/n"
"""The same for an operator: it rings at once, and accepts when the dialogue is over."""

_NUMBER = re.compile(r"[0-9*#]{2,20}")
_NAME = re.compile(r"[a-z0-9-]{1,40}")
_URI = re.compile(r"sip:[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?")


class UnsafeTarget(ValueError):
    """A number, name or URI that must not reach a dial string."""


def dial_string(trunk: str, number: str) -> str:
    """The Dial target for a number over a trunk, or for a ``sip:`` URI dialled directly."""
    if number.startswith("sip:"):
        if not _URI.fullmatch(number):
            raise UnsafeTarget(f"alamat SIP {number!r} tidak dapat dipakai")
        return f"PJSIP/{DIRECT}/{number}"
    if not _NUMBER.fullmatch(number) or not safe_name(trunk):
        raise UnsafeTarget(f"nomor {number!r} lewat {trunk!r} tidak dapat dipakai")
    return f"PJSIP/{number}@{trunk}"


def is_direct(dialled: str) -> bool:
    """Whether a Dial target is an agency's own telephone, over no trunk."""
    return dialled.startswith(f"PJSIP/{DIRECT}/")


def safe_name(name: str) -> bool:
    """True for names of agencies and trunks that may stand in extensions text."""
    return _NAME.fullmatch(name) is not None
