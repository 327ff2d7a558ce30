"""Telephone numbers as carriers, phones and people write them, as E.164."""

from __future__ import annotations

import re

import phonenumbers

COUNTRY = "62"
_LONGEST = 256
_WRITTEN = re.compile(r"\+?[0-9]{7,17}")
_PUNCTUATION = re.compile(r"[\s().\-/\u2010-\u2015]")


def e164(text: str | None) -> str | None:
    """``0766…``, ``62…``, ``0062…``, ``+62 (0)…`` and tel: or sip: addresses as ``+62…``.

    A foreign number keeps its country where it is written with + or 00. None for what cannot be
    somebody's number: withheld, a short code, a name, nonsense.
    """
    if text is None or len(text) > _LONGEST:
        return None
    bare = re.sub(r"^(tel|sips?):", "", text.strip().strip("<>"), flags=re.IGNORECASE)
    bare = _PUNCTUATION.sub("", re.split("[@;]", bare, maxsplit=1)[0].replace("(0)", ""))
    if not _WRITTEN.fullmatch(bare):
        return None
    digits = bare.lstrip("+")
    if not bare.startswith("+"):
        if digits.startswith("00"):
            digits = digits[2:]
        elif digits.startswith("0"):
            digits = COUNTRY + digits[1:]
        elif digits.startswith("8"):  # a mobile number without its 0
            digits = COUNTRY + digits
        elif not digits.startswith(COUNTRY):
            return None
    if digits.startswith(COUNTRY + "0"):  # +62 0812…
        digits = COUNTRY + digits[3:]
    try:
        parsed = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
