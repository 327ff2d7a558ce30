"""Digits and numbers are understood in every way in which one says them."""

from __future__ import annotations

import pytest

from ivr.speech.numbers import readings


def meanings(text: str, most: int = 4) -> list[str]:
    return [reading.digits for reading in readings(text, most)]


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("satu dua", "12"),
        ("dua puluh satu", "21"),
        ("nol delapan satu", "081"),
        ("kosong", "0"),
        ("sepuluh", "10"),
        ("sebelas", "11"),
        ("lima belas", "15"),
        ("dua ratus", "200"),
        ("dua ratus lima puluh", "250"),
        ("seribu dua ratus tiga puluh empat", "1234"),
        ("Tuju", "7"),
        ("lapan", "8"),
        ("21", "21"),
        ("2, 1", "21"),
        ("2871 1", "28711"),
        ("duabelas", "12"),
        ("duapuluh satu", "21"),
        ("Nolima", "05"),
        ("nomor tiga", "3"),
        ("tekan lima pak", "5"),
    ],
)
def test_the_first_meaning_is_the_likeliest(text: str, digits: str) -> None:
    assert meanings(text, 5)[0] == digits


def test_what_can_be_meant_in_two_ways_is_told_in_both() -> None:
    assert meanings("dua puluh satu") == ["21", "201"]


def test_no_more_digits_than_asked_for() -> None:
    assert meanings("dua puluh satu", 2) == ["21"]
    assert meanings("satu dua tiga", 2) == []


@pytest.mark.parametrize("text", ["", "saya tidak tahu", "kebakaran"])
def test_other_words_are_no_number(text: str) -> None:
    assert [one for one in readings(text, 4) if one.nearness >= 0.5] == []


def test_words_around_a_number_make_it_less_sure() -> None:
    assert readings("dua", 1)[0].nearness > readings("ada dua orang di rumah", 1)[0].nearness


def test_digits_of_another_script_are_no_digits_of_ours() -> None:
    assert readings("٢ ٣", 5) == []


def test_what_people_say_around_a_digit_does_not_count_against_it() -> None:
    assert [one.nearness for one in readings("nomor tiga, pak", 1)] == [1.0]
    assert [one.nearness for one in readings("Tukang lima", 1)] == [1.0], "tekan, misheard"
