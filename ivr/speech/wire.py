"""How questions and answers travel between the controller, the speech process and Asterisk.

Two kinds of client connect to the speech process, told apart by their websocket subprotocol.

``speech_to_text`` is Asterisk (AEAP): a connection for each ``SPEECH CREATE``. Its ``SPEECH SET ask ID``
names the question that audio is about to answer, and exactly one result comes for each: its ``text``
is what ``to_text`` made of a Heard or a Nothing, in ASCII, on one line, beside the same ``ask ID``. Where
speech counts while the prompts play, a result ``SPOKE`` may come before it, as soon as somebody
really speaks: the prompts stop, and the answer is waited for in silence.
Asterisk itself has no other way to stop a prompt for speech.

``siaga-speech`` is a controller. It says ``{"ask": question}`` before it lets Asterisk listen and
``{"drop": id}`` when an answer is no longer wanted; it is told ``{"beat": n}`` every ``BEAT_S``. A speech
process that is not heard for ``SILENT_S`` is taken to hang.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ivr.flow.spoken import Heard, Nothing, Phrase, Possible, Vocabulary

ASTERISK = "speech_to_text"
CONTROLLER = "siaga-speech"
ASK = "ask"
"""The name of the setting that a question's id is set under."""

SPOKE = "spoke"
"""The text of a result that says no more than that somebody began to speak."""

BEAT_S = 0.05
SILENT_S = 0.25

LONGEST_TEXT = 200
"""Characters of what was understood, and at most so much of it travels."""

MOST_ALTERNATIVES = 5


@dataclass(frozen=True, slots=True)
class Question:
    """What a caller is asked: the prompts take ``prompt_s``, and ``wait_s`` is waited after them.

    ``bargein`` says whether speech counts before the prompts have ended.
    """

    id: str
    vocabulary: Vocabulary
    prompt_s: float
    wait_s: float
    bargein: bool


def question_to_json(question: Question) -> dict[str, Any]:
    return asdict(question)


def question_from_json(written: Mapping[str, Any]) -> Question:
    """Raises ValueError, KeyError or TypeError for anything else."""
    return Question(
        str(written["id"]),
        vocabulary_from_json(written["vocabulary"]),
        float(written["prompt_s"]),
        float(written["wait_s"]),
        bool(written["bargein"]),
    )


def vocabulary_from_json(written: Mapping[str, Any]) -> Vocabulary:
    """Raises ValueError, KeyError or TypeError for anything else."""
    return Vocabulary(
        written["kind"],
        tuple(Phrase(one["text"], one["value"]) for one in written["options"]),
        tuple(Phrase(one["text"], one["value"]) for one in written["places"]),
        int(written["digits"]),
    )


def to_text(answer: Heard | Nothing) -> str:
    """One line of ASCII; what is empty is left out."""
    said = asdict(answer)
    said["text"] = said["text"][:LONGEST_TEXT]
    if "alternatives" in said:
        said["alternatives"] = said["alternatives"][:MOST_ALTERNATIVES]
    return json.dumps({name: value for name, value in said.items() if value})


def from_text(text: str) -> Heard | Nothing:
    """What ``to_text`` wrote; raises ValueError for anything else."""
    try:
        said = json.loads(text)
        if "reason" in said:
            return Nothing(said["reason"], said.get("text", ""))
        said["alternatives"] = tuple(Possible(**one) for one in said.get("alternatives", ()))
        return Heard(**{"text": "", **said})
    except (TypeError, KeyError) as error:
        raise ValueError(f"no answer: {text[:60]!r}") from error
