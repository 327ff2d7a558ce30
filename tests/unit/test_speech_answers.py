"""What a caller says answers a question as keys do, is asked about once, or is not understood."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_deployment import DIALPLAN, PLACES, offered, shipped, small

from ivr.flow.actions import DecideRoute, Dial, Gather, Learn, Say
from ivr.flow.engine import advance, replay
from ivr.flow.events import DigitsEntered, Event, LocationLearned, NoInput, SpeechHeard
from ivr.flow.heard import understood
from ivr.flow.model import OPERATOR_ROUTE, SPOKEN_CONFIDENCE, Dialplan, Turn
from ivr.flow.spoken import ENOUGH, SURE, Heard, Phrase, Vocabulary
from ivr.flow.steps.language import LanguageStep
from ivr.flow.vocabulary import HELP_ONLY, YES_NO
from routing.model import PRESSED, SPOKEN, Location

SMALL, _ = small()
SHIPPED, _ = shipped()
MANDAU = "14.03.09"


def said(
    option: str = "", sure: float = 1.0, place: str = "", sure_of_place: float = 1.0
) -> SpeechHeard:
    return SpeechHeard(
        Heard("", option, sure if option else 0.0, place, sure_of_place if place else 0.0)
    )


def after(*events: Event, dialplan: Dialplan = SMALL) -> Turn:
    return replay(dialplan, [offered(), *events])


def asked(turn: Turn) -> list[str]:
    return [
        prompt.text
        for action in turn.actions
        if isinstance(action, Say | Gather)
        for prompt in action.prompts
    ]


def gather(turn: Turn) -> Gather:
    assert isinstance(turn.state.waiting, Gather)
    return turn.state.waiting


def words(turn: Turn) -> dict[str, str]:
    """What may be said now, and what it stands for."""
    vocabulary = gather(turn).vocabulary
    assert vocabulary is not None
    return {phrase.text: phrase.value for phrase in (*vocabulary.places, *vocabulary.options)}


def dials_operator(turn: Turn) -> bool:
    wait = turn.state.waiting
    return isinstance(wait, Dial) and wait.routes == (OPERATOR_ROUTE,)


# what may be said


def test_a_menu_takes_its_words_those_behind_it_and_places() -> None:
    known = words(after(dialplan=SHIPPED))
    assert known["api"] == known["kebakaran"] == "1"
    assert known["harimau"] == "52"
    assert known["lainnya"] == "5", "an option's own word wins over one behind it"
    assert known["kejadian lain"] == "54"
    assert known["duri"] == "area:1"
    assert known["selat baru"] == known["selatbaru"] == "14.03.02.2005"
    assert known["tolong"] == known["petugas"] == "0"
    assert "pinggir" not in known, "it happens at the side of many roads"
    assert known["kecamatan pinggir"] == "14.03.13"


def test_the_question_for_the_place_takes_areas_as_its_keys_and_every_place() -> None:
    known = words(after(DigitsEntered("1"), dialplan=SHIPPED))
    assert known["duri"] == "1"
    assert known["pinggir"] == "2"
    assert known["sungai pakning"] == "3", "the area, not the kelurahan of that name"
    assert known["rupat utara"] == "14.03.11"
    within = words(after(*map(DigitsEntered, "12"), dialplan=SHIPPED))
    assert within["pinggir"] == "1"
    assert within["rupat utara"] == "14.03.11"
    assert "duri" not in within


def test_a_name_of_two_places_is_nobodys_and_of_a_place_in_another_the_wider_ones() -> None:
    written = PLACES.replace(
        'name: Mandau, block: daratan, points: [[1.253, 101.303]]',
        'name: Mandau, block: daratan, desa: {"1001": Mandau, "1002": Pasar}',
    ).replace(
        'name: Pinggir, block: daratan, points: [[1.127, 101.186]]',
        "name: Pinggir, block: daratan, aliases: [Pasar, Kulim]",
    )  # fmt: skip
    known = words(after(dialplan=small(places=written)[0]))
    assert known["mandau"] == MANDAU
    assert known["kulim"] == "14.03.13"
    assert "pasar" not in known


def test_a_menu_that_does_not_listen_has_no_words_and_one_may_speak_to_its_end() -> None:
    menu = "    menu: Kebakaran tekan 1, lainnya 5. Atau tetap di telepon.\n"
    deaf, _ = small(dialplan=DIALPLAN.replace(menu, f"{menu}    listen: no\n"))
    assert gather(after(dialplan=deaf)).vocabulary == HELP_ONLY
    slow, _ = small(dialplan=DIALPLAN.replace(menu, f"{menu}    bargein: keys\n"))
    assert gather(after(dialplan=slow)).bargein is False
    assert gather(after()).bargein is True


def test_no_place_is_named_where_no_step_asks_for_one() -> None:
    plan = DIALPLAN.replace("    ask_place: [wilayah, kecamatan]\n", "    say: Tunggu.\n")
    assert "duri" not in words(after(dialplan=small(dialplan=plan)[0]))


@pytest.mark.parametrize(
    ("text", "option", "place"),
    [
        ("tolong, ada api di RUPAT UTARA!", "1", "14.03.11"),
        ("api di rupat", "1", "14.03.10"),
        ("kebakaran di api-api", "1", "14.03.14.2003"),
        ("ada gajah di gajah sakti", "52", "14.03.09.1008"),
        ("tolong", "0", ""),
        ("sapi di jalan", "", ""),
        ("api dan maling", "", ""),
        ("kecelakaan di pinggir jalan", "2", ""),
        ("kebakaran di duri, air jamban", "1", "14.03.09.1001"),
    ],
)
def test_words_are_taken_whole_and_the_longest_first(text: str, option: str, place: str) -> None:
    vocabulary = gather(after(dialplan=SHIPPED)).vocabulary
    assert vocabulary is not None
    heard = understood(vocabulary, text)
    assert (heard.option, heard.place) == (option, place)


def test_digits_are_said_one_by_one() -> None:
    vocabulary = Vocabulary("digits", (Phrase("tolong", "0"),), digits=4)
    assert understood(vocabulary, "satu nol 0 sembilan").option == "1009"
    assert understood(vocabulary, "satu dua tiga empat lima").option == ""
    assert understood(vocabulary, "tolong").option == "0"
    assert understood(vocabulary, "satu ekor").option == ""


@pytest.mark.parametrize(
    ("text", "key"), [("Iya, betul.", "1"), ("ndak", "2"), ("tidak benar", "2"), ("ya tidak", "")]
)
def test_yes_and_no_are_keys(text: str, key: str) -> None:
    assert understood(YES_NO, text).option == key


# what follows


def test_an_option_heard_surely_is_its_key() -> None:
    spoken, pressed = after(said("1", SURE)), after(DigitsEntered("1"))
    assert spoken.actions == pressed.actions


def test_keys_through_several_menus_ask_nothing_in_between_and_learn_all_the_same() -> None:
    turn = after(said("51"))
    assert (
        next(action for action in turn.actions if isinstance(action, Learn)).value == "hewan-liar"
    )
    assert asked(turn) == ["Duri tekan 1, Pinggir 2."]


def test_a_place_said_with_an_option_is_not_asked_for() -> None:
    turn = after(said("1", place=MANDAU))
    assert turn.actions[-1] == DecideRoute("kebakaran", MANDAU, SPOKEN_CONFIDENCE)
    assert turn.state.location == Location(SPOKEN, MANDAU, confidence=SPOKEN_CONFIDENCE)


def test_a_place_heard_dimly_keeps_nobody_who_said_surely_what_happened() -> None:
    turn = after(said("1", SURE, MANDAU, 0.7))
    assert turn.actions == after(DigitsEntered("1")).actions
    assert (turn.state.incident, turn.state.named) == ("kebakaran", "")


def test_an_area_said_with_an_option_leaves_the_question_for_the_kecamatan() -> None:
    turn = after(said("1", place="area:1"))
    assert asked(turn) == ["Mandau tekan 1, Bathin Solapan 2."]
    keyed = advance(SMALL, turn.state, DigitsEntered("1"))
    assert keyed.state.said == Location(PRESSED, MANDAU, confidence=0.9)
    by_voice = advance(SMALL, turn.state, said("1"))
    assert by_voice.state.said == Location(SPOKEN, MANDAU, confidence=SPOKEN_CONFIDENCE)


def test_what_the_caller_says_of_the_place_counts_more_than_his_phone() -> None:
    phone = LocationLearned(Location("sip_pidf", code="14.03.13", confidence=0.99))
    turn = after(phone, said("1", place=MANDAU))
    assert turn.actions[-1] == DecideRoute("kebakaran", MANDAU, SPOKEN_CONFIDENCE)
    assert turn.state.disagrees


def test_a_place_alone_is_kept_and_the_menu_asked_again_without_a_reproach() -> None:
    turn = after(said(place=MANDAU))
    assert asked(turn) == ["Kebakaran tekan 1, lainnya 5. Atau tetap di telepon."]
    assert turn.state.no_match == 0
    assert advance(SMALL, turn.state, DigitsEntered("1")).actions[-1] == DecideRoute(
        "kebakaran", MANDAU, SPOKEN_CONFIDENCE
    )
    again = advance(SMALL, turn.state, said(place=MANDAU))
    assert asked(again) == asked(turn)
    assert again.state.no_match == 1, "it was told: to say it for ever is no way round the tries"
    person = advance(SMALL, again.state, DigitsEntered("9"))
    assert dials_operator(person)
    assert isinstance(person.state.waiting, Dial)
    assert next(prompt.text for prompt in person.state.waiting.whisper) == "Mandau"


def test_a_cry_heard_unsurely_is_a_person_who_is_told_the_place() -> None:
    turn = after(said("0", ENOUGH, MANDAU))
    assert dials_operator(turn)
    assert turn.actions[0] == Learn("place", MANDAU, turn.actions[0].told)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "heard",
    [
        said("1", 0.7),
        said("1", 0.7, MANDAU, 0.99),
        said("1", 0.7, MANDAU, 0.7),
    ],
)
def test_what_is_not_heard_surely_is_asked_about_by_its_name(heard: SpeechHeard) -> None:
    turn = after(heard)
    place = ["Mandau"] if heard.heard.place else []
    confirm = "Kalimat speech_confirm."
    assert asked(turn) == ["Kalimat incident.kebakaran.", *place, confirm]
    assert set(gather(turn).keys) == set("012")
    assert gather(turn).fresh
    assert turn.state.incident is None
    for yes in (DigitsEntered("1"), said("1", ENOUGH)):
        taken = advance(SMALL, turn.state, yes)
        assert taken.state.incident == "kebakaran"
        assert taken.state.place == (MANDAU if place else None)


@pytest.mark.parametrize(
    "no", [DigitsEntered("2"), NoInput(), said("2"), said(), DigitsEntered("9")]
)
def test_who_does_not_agree_is_asked_the_same_for_keys_and_heard_no_more(no: Event) -> None:
    turn = after(NoInput(), said("1", 0.7), no)
    assert asked(turn) == ["Kebakaran tekan 1, lainnya 5. Atau tetap di telepon."]
    assert gather(turn).vocabulary == HELP_ONLY
    place = advance(SMALL, turn.state, DigitsEntered("1"))
    assert gather(place).vocabulary == HELP_ONLY
    assert advance(SMALL, place.state, said("1")).state.area is None


CONFIRMING = DIALPLAN.replace("    then: instansi\n", "    then: benar\n", 1).replace(
    "  instansi:",
    '  benar:\n    confirm: "{incident}, {place}. Benar tekan 1."\n    then: instansi\n'
    "    otherwise: kejadian\n  instansi:",
)


def questions_for_keys() -> list[tuple[Dialplan, Turn]]:
    """After a failed confirmation, in another language, at the question for it, and with `listen: no`."""
    menu = "    menu: Kebakaran tekan 1, lainnya 5. Atau tetap di telepon.\n"
    quiet, _ = small(dialplan=DIALPLAN.replace(menu, f"{menu}    listen: no\n"))
    bahasa = LanguageStep(language="Press 2.", options={"2": "en"}, then=SMALL.start)
    foreign = replace(SMALL, start="bahasa", steps={**SMALL.steps, "bahasa": bahasa})
    return [
        (SMALL, after(said("1", 0.7), NoInput())),
        (foreign, after(DigitsEntered("2"), dialplan=foreign)),
        (foreign, after(dialplan=foreign)),
        (quiet, after(dialplan=quiet)),
    ]


@pytest.mark.parametrize(("dialplan", "turn"), questions_for_keys())
def test_a_cry_for_help_is_heard_where_keys_only_count_and_nothing_else_is(
    dialplan: Dialplan, turn: Turn
) -> None:
    assert gather(turn).vocabulary == HELP_ONLY
    assert dials_operator(advance(dialplan, turn.state, said("0", ENOUGH)))
    again = advance(dialplan, turn.state, said())
    assert gather(again).prompts[-1] == gather(turn).prompts[-1], "his voice had stopped it"
    assert (again.state.no_input, again.state.no_match) == (1, 0)
    assert isinstance(advance(dialplan, again.state, said()).state.waiting, Gather | Dial)


def test_words_where_keys_only_count_are_no_yes_before_the_question_was_heard_twice() -> None:
    dialplan, _ = small(dialplan=CONFIRMING)
    asking = after(said("1", 0.7), NoInput(), *map(DigitsEntered, "111"), dialplan=dialplan)
    again = advance(dialplan, asking.state, said())
    assert asked(again)[0] == "Kalimat no_input."


def test_a_word_that_is_no_option_of_the_question_is_not_understood() -> None:
    for heard in (said("9"), said("52"), said(place="14.03.99"), said("1", 0.2), said()):
        turn = after(heard)
        assert asked(turn)[0] == "Kalimat speech_unknown."
        assert dials_operator(advance(SMALL, turn.state, said("9")))


def test_who_has_just_said_yes_is_asked_where_not_whether_his_phone_is_right() -> None:
    unsure = LocationLearned(Location("sip_pidf", code=MANDAU, confidence=0.7))
    where = after(unsure, said("1", 0.7), said("1"))
    assert asked(where) == ["Duri tekan 1, Pinggir 2."]
    silent = advance(SMALL, advance(SMALL, where.state, NoInput()).state, NoInput())
    assert isinstance(silent.state.waiting, DecideRoute)
    assert silent.state.location == unsure.location, "who does not tell is where his phone is"
    elsewhere = LocationLearned(Location("aml", code="14.03.13", confidence=0.8))
    turn = advance(SMALL, where.state, elsewhere)
    assert asked(turn)[:2] == ["Kalimat place_confirm.", "Pinggir"], "a question stood in between"
    sure = LocationLearned(Location("sip_pidf", code=MANDAU, confidence=0.99))
    assert isinstance(after(sure, said("1", 0.7), said("1")).state.waiting, DecideRoute)


def test_who_has_just_said_yes_is_not_asked_again_whether_all_is_right() -> None:
    dialplan, _ = small(dialplan=CONFIRMING)
    turn = after(said("1", 0.7, MANDAU, 0.7), said("1"), dialplan=dialplan)
    assert isinstance(turn.state.waiting, DecideRoute)
    place = after(DigitsEntered("1"), said(place=MANDAU, sure_of_place=0.7), dialplan=dialplan)
    yes = advance(dialplan, place.state, said("1"))
    assert isinstance(yes.state.waiting, DecideRoute)
    later = after(said("1", 0.7), said("1"), said(place=MANDAU), dialplan=dialplan)
    assert asked(later)[0] == "Kalimat incident.kebakaran.", "he was asked where in between"


def test_a_place_that_is_learned_while_somebody_is_asked_about_his_words_spares_him_the_question() -> (
    None
):
    asking = after(DigitsEntered("1"), said("1", 0.7))
    sure = LocationLearned(Location("sip_pidf", code="14.03.13", confidence=0.95))
    for no in (NoInput(), said("2"), said(), DigitsEntered("2")):
        turn = advance(SMALL, advance(SMALL, asking.state, sure).state, no)
        assert turn.actions[-1] == DecideRoute("kebakaran", "14.03.13", 0.95)
    unsure = LocationLearned(Location("sip_pidf", code="14.03.13", confidence=0.7))
    turn = advance(SMALL, advance(SMALL, asking.state, unsure).state, NoInput())
    assert asked(turn) == ["Duri tekan 1, Pinggir 2."], "never two such questions in a row"


def test_words_that_are_not_understood_are_no_yes() -> None:
    dialplan, _ = small(dialplan=CONFIRMING)
    asking = after(*map(DigitsEntered, "111"), dialplan=dialplan)
    again = advance(dialplan, asking.state, said())
    assert asked(again)[0] == "Kalimat speech_unknown."
    assert isinstance(advance(dialplan, asking.state, said("1")).state.waiting, DecideRoute)


NUMBERED = DIALPLAN.replace(
    "  tempat:\n",
    "  nomor:\n    ask: Nomornya?\n    digits: 1-3\n    then: tempat\n  tempat:\n",
).replace("words: [api], then: tempat", "words: [api], then: nomor")


def test_digits_that_are_read_back_are_not_asked_about_twice() -> None:
    dialplan, _ = small(dialplan=NUMBERED)
    turn = after(DigitsEntered("1"), said("12", 0.6), dialplan=dialplan)
    assert asked(turn)[0] == "Kalimat read_back."
    assert turn.state.proposal is None
    settled = advance(dialplan, turn.state, said("1", 0.6))
    assert settled.state.answers == {"nomor": "12"}


@pytest.mark.parametrize("unclear", [said(), said("1", 0.4), DigitsEntered("7")])
def test_what_is_no_yes_to_a_number_that_is_read_back_has_it_read_once_more(unclear: Event) -> None:
    dialplan, _ = small(dialplan=NUMBERED)
    first = after(DigitsEntered("1"), DigitsEntered("12"), dialplan=dialplan)
    again = advance(dialplan, first.state, unclear)
    assert asked(again)[1:] == asked(first), "after a word of regret"
    for agrees in (said("1"), DigitsEntered("1"), NoInput()):
        assert advance(dialplan, again.state, agrees).state.answers == {"nomor": "12"}
    anew = advance(dialplan, again.state, unclear)
    assert asked(anew)[-1] == "Nomornya?"
    assert anew.state.answers == {}
    once_more = advance(dialplan, anew.state, DigitsEntered("13"))
    assert asked(advance(dialplan, once_more.state, unclear))[1:] == asked(once_more)
