"""What Whisper writes when nobody speaks. Pure, and data.

Nothing else is said in these words at a menu, so they are thrown away. The list was measured; how, stands
beside it.
"""

from __future__ import annotations

from ivr.speech.phones import words

_INVENTED: tuple[str, ...] = ()


def invented(text: str) -> bool:
    """Is it nothing but what Whisper makes of noise?"""
    return " ".join(words(text)) in _INVENTED


def without_repeats(text: str) -> str:
    """A text that says the same words again and again says them once: greedy decoding falls into loops."""
    said = text.split()
    plain = [" ".join(words(word)) for word in said]
    place = 0
    while place < len(said):
        for size in range(1, (len(said) - place) // 2 + 1):
            again = place + size
            while plain[again : again + size] == plain[place : place + size]:
                del said[again : again + size], plain[again : again + size]
            rest = plain[again:]
            if (
                rest
                and len(rest) < size
                and plain[place : place + len(rest)] == rest
                and len(rest) > 1
            ):
                del said[again:], plain[again:]  # the loop was cut off
        place += 1
    return " ".join(said)
