"""A sentence is searched for what may be said, however it was written down and whatever stands around it."""

from __future__ import annotations

import time

import pytest

from ivr.flow.spoken import Phrase, Vocabulary
from ivr.speech import matching
from ivr.speech.invented import invented, loops, without_loops, without_repeats


def vocabulary(kind: str = "menu") -> Vocabulary:
    options = {
        "1": ("kebakaran", "api", "asap"),
        "2": ("kecelakaan", "tabrakan"),
        "3": ("sakit", "ambulans"),
        "4": ("kejahatan", "maling", "polisi"),
        "52": ("ular", "harimau"),
        "54": ("listrik", "pohon tumbang"),
        "0": ("tolong", "bantuan", "operator"),
    }
    places = {
        "14.03.09": "mandau",
        "14.03.10": "rupat",
        "14.03.11": "rupat utara",
        "14.03.02": "kecamatan bantan",
        "14.03.13": "pinggir",
        "14.03.14.2003": "api api",
        "area:1": "duri",
        "area:3": "sungai pakning",
    }
    return Vocabulary(
        "yes_no" if kind == "yes_no" else "menu",
        tuple(Phrase(text, value) for value, texts in options.items() for text in texts),
        tuple(Phrase(text, value) for value, text in places.items()),
    )


YES_NO = Vocabulary(
    "yes_no",
    (Phrase("ya", "1"), Phrase("betul", "1"), Phrase("tidak", "2"), Phrase("bukan", "2")),
)


def option(text: str, words: Vocabulary | None = None) -> str:
    """The option that a text comes nearest to, if any is clear."""
    found = matching.without_help(matching.find(text, words or vocabulary()))
    clear = [one for one in found if not one.place and one.nearness >= matching.CLEAR]
    return clear[0].phrase.value if clear else ""


def place(text: str) -> str:
    clear = [
        one
        for one in matching.find(text, vocabulary())
        if one.place and one.nearness >= matching.CLEAR
    ]
    return clear[0].phrase.value if clear else ""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Kebakaran", "1"),
        ("kebakar'an", "1"),
        ("kebakaghan", "1"),
        ("kubakaran", "1"),
        ("tolong, rumah saya terbakar", "1"),
        ("ada api marak di belakang", "1"),
        ("mobil kelanggar truk", "2"),
        ("ditabrak motor", "2"),
        ("pak, ada orang kucilakaan di jalan lintas", "2"),
        ("bapak saye saket", "3"),
        ("ade maleng masuk rumah", "4"),
        ("pohon tumbang di jalan", "54"),
    ],
)
def test_words_are_understood_as_they_are_said_and_misheard(text: str, value: str) -> None:
    assert option(text) == value


@pytest.mark.parametrize(
    "text",
    ["saya makan sapi", "istri saya pergi", "kecamatan", "bukan kebakaran", "besok ke pasar", ""],
)
def test_other_words_are_no_option(text: str) -> None:
    assert option(text) == ""


def test_the_longest_name_is_meant() -> None:
    assert place("kebakaran di rupat utara") == "14.03.11"
    assert place("nirupa putara") == "14.03.11"
    assert place("di rupat pak") == "14.03.10"
    assert place("kecamatan mandau") == "14.03.09"


def test_a_word_of_every_place_tells_none_from_another() -> None:
    assert place("kecamatan apa saja") == ""


def test_what_happened_and_where_are_in_one_sentence() -> None:
    text = "tolong pak ada kebakaran di duri"
    assert (option(text), place(text)) == ("1", "area:1")


def test_the_edge_of_a_road_is_no_kecamatan() -> None:
    assert place("kecelakaan di pinggir jalan") == ""
    assert place("kecelakaan di pinggir") == "14.03.13"


def test_an_option_wins_over_a_cry_for_help() -> None:
    assert option("tolong tolong ada ular") == "52"
    assert option("tolong saya") == "0"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("iye", "1"),
        ("ya betul", "1"),
        ("ndak", "2"),
        ("tak", "2"),
        ("tidak betul", "2"),
        ("bukan itu", "2"),
    ],
)
def test_yes_and_no_as_they_are_said_here(text: str, value: str) -> None:
    assert option(text, YES_NO) == value


def test_a_no_among_other_words_is_no_clear_answer() -> None:
    alone, among = (matching.find(text, YES_NO)[0] for text in ("tidak pak", "saya tidak dengar"))
    assert alone.nearness == 1
    assert among.nearness <= 0.8


def test_two_hundred_places_are_searched_within_the_time_of_a_blink() -> None:
    kinds = ("sungai", "teluk", "tanjung", "pangkalan", "lubuk", "pematang", "bukit")
    names = "selari linau batang lancar pambang papal medang punak belit muda gaung garam duku obo pudu "
    names += "kerikil batu jambi pinang nyirih libut leban datuk cingam siput nibung alam meranti"
    places = tuple(
        Phrase(f"{kind} {name}", f"{kind}.{name}") for kind in kinds for name in names.split()
    )
    many = Vocabulary("place", (), places)
    text = "tolong pak ada kebakaran besar di dekat pasar sungai nibung cepat ya pak"
    matching.find(text, many)
    best = min(_seconds(text, many) for _ in range(5))
    assert len(places) >= 180
    assert best < 0.1


def _seconds(text: str, many: Vocabulary) -> float:
    matching.find.cache_clear()
    start = time.process_time()
    matching.find(text, many)
    return time.process_time() - start


def test_what_whisper_makes_of_noise_is_known() -> None:
    assert invented("Terima kasih.")
    assert invented("di sini")
    assert not invented("ya")
    assert not invented("terima kasih, ada kebakaran")


def test_howling_is_no_word() -> None:
    assert loops("Wow! Wow! Wow! Wow! Wow! Wow!")
    assert loops("Baaaaaaaaaah")
    assert not loops("ya ya ya")
    assert not loops("harimau harimau harimau harimau harimau")


@pytest.mark.parametrize(
    ("text", "once"),
    [
        ("Harimau. Harimau. Harimau.", "Harimau."),
        ("ada ular di dapur bu ada ular di dapur bu ada ul", "ada ular di dapur bu"),
        ("tujuh, tu", "tujuh,"),
        ("dua belas, dua belas, dua", "dua belas,"),
        ("satu dua satu", "satu dua satu"),
        ("kebakaran di duri", "kebakaran di duri"),
        ("", ""),
    ],
)
def test_what_greedy_decoding_repeats_is_said_once(text: str, once: str) -> None:
    assert without_repeats(text) == once


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("tidak ada api", ""),
        ("jangan panggil polisi", ""),
        ("tidak ada kebakaran ada kecelakaan", "kecelakaan"),
    ],
)
def test_what_is_said_not_to_be_so_is_not_meant(said: str, left: str) -> None:
    told = Vocabulary(
        "menu",
        (
            Phrase("api", "1"),
            Phrase("kebakaran", "1"),
            Phrase("kecelakaan", "2"),
            Phrase("polisi", "4"),
        ),
    )
    assert {one.phrase.text for one in matching.find(said, told) if one.nearness >= 0.9} == (
        {left} if left else set()
    )


@pytest.mark.parametrize(
    ("cried", "left"),
    [
        ("tolong api, api, api, api, api!", "tolong api,"),
        ("aduh sakit aaaaaah tolong", "aduh sakit tolong"),
        ("Baaaaaaaaaah", ""),
    ],
)
def test_who_cries_the_same_word_again_and_again_is_no_noise(cried: str, left: str) -> None:
    text = without_loops(without_repeats(cried))
    assert text == left
    assert not loops(text)
