"""What Whisper writes when nobody speaks. Pure, and data.

Measured with Whisper-base in Indonesian, without the gate that keeps silence from it: 228 stretches of 2,
3 and 5 seconds, 12 minutes and 40 seconds in all, made of silence, hiss, pink and brown noise at four
levels, tones, ringing, engaged tones, keys, music, and the like of dogs, cats, cocks, birds, babies,
sirens, engines, horns, wind, breath and knocks. 93 of them gave no text; "di sini" came 29 times. Of what
came, words that are an answer ("ya", "tidak") are left out here, and so is what ``loops`` finds.
"""

from __future__ import annotations

import re

from ivr.speech.phones import words

_INVENTED = frozenset({
    "atau", "ayo", "b", "bari", "berapa", "berapa yang", "berapa yang berlaku", "berapa yang menurut",
    "bum", "bung", "buru", "di dalam kebangan", "di sini", "duh", "hmm",
    "jangan lupa jika kamu berkata kamu akan berkata", "kami akan berhenti di sini",
    "kami sudah berada di sini", "kau berkata kata", "mereka ada di sini", "mereka berada di sini",
    "mereka berapa ber", "mereka berhenti berh", "mereka berkata", "mereka berkata di atas",
    "mereka berkata di sini", "mereka berkata kata", "mereka berkata kata di sini", "mokin", "pah", "puh",
    "taka", "tengkit tengk", "tengoknya berkata ber", "tengoknya dia berkata kata k", "terima kasih",
    "terima kasih terima", "tidak di sini", "tidak saya akan berhenti", "tidak saya akan berjumpa di sini",
    "tuh", "tung", "tunggu berapa", "tunggu ini adalah kubu", "tunggu tung", "w", "wala", "woo", "wow",
})  # fmt: skip

_LOOP = re.compile(r"(.{1,3}?)\1{4,}")


def invented(text: str) -> bool:
    """Is it nothing but what Whisper makes of noise?"""
    return " ".join(words(text)) in _INVENTED


def loops(text: str) -> bool:
    """Does it go on with one to three letters, as for a siren or a howling wind? "baaaaaah", "wow wow wow"."""
    return _LOOP.search("".join(words(text))) is not None


def without_loops(text: str) -> str:
    """Without the words that only go on and on: of "sakit aaaaaah tolong" two words are left."""
    return " ".join(word for word in text.split() if not loops(word))


def without_repeats(text: str) -> str:
    """A text that says the same words again and again says them once: greedy decoding falls into loops,
    and is cut off in the midst of one ("tujuh, tu"; "dua belas, dua belas, dua")."""
    said = text.split()
    once = len(said)
    plain = [" ".join(words(word)) for word in said]
    place = 0
    while place < len(said):
        for size in range(1, (len(said) - place) // 2 + 1):
            again = place + size
            while plain[again : again + size] == plain[place : place + size]:
                del said[again : again + size], plain[again : again + size]
        place += 1
    looped = len(said) < once
    for size in range(1, len(said) // 2 + 1):
        first, last = plain[:size], plain[-size:]
        if last[:-1] != first[:-1] or not first[-1].startswith(last[-1]):
            continue
        if looped or first[-1] != last[-1]:
            return " ".join(said[:-size])
    return " ".join(said)
