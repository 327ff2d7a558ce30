"""What the synthetic callers say, and what is right to understand there, for the shipped deployment.

Written once, before anything was measured. An engine is never tuned to these texts: whoever tunes one
makes others.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text said at a question, and the values that are right: several where several may be."""

    menu: str
    kind: str
    text: str
    option: str = ""
    place: str = ""
    language: str = "id"


_KEYWORDS = {
    "1": ("kebakaran", "api", "asap", "ada kebakaran", "rumah terbakar"),
    "2": ("kecelakaan", "tabrakan", "ada kecelakaan", "tabrakan mobil"),
    "3": ("sakit", "ambulans", "melahirkan", "orang sakit", "minta ambulans"),
    "4": ("kejahatan", "maling", "polisi", "ada maling", "panggil polisi"),
    "51": ("bencana", "banjir", "longsor", "bencana alam", "tanah longsor"),
    "52": ("hewan liar", "ular", "harimau", "gajah", "ada ular"),
    "53": ("orang hilang", "anak hilang"),
    "54": ("pohon tumbang",),
    "0": ("operator", "tolong", "bantuan", "minta bantuan"),
}

_CARRIERS = (
    ("tolong, rumah saya terbakar", "1", ""),
    ("pak, ada kebakaran di sini", "1", ""),
    ("halo, ini ada api besar sekali di dapur", "1", ""),
    ("bu, gudang di belakang pasar kebakaran", "1", ""),
    ("cepat pak, asapnya sudah sampai ke kamar", "1", ""),
    ("aduh, api, api, cepat ke sini", "1", ""),
    ("tolong ada kebakaran di Duri", "1", "area:1|14.03.09"),
    ("kebakaran lahan di Rupat Utara", "1", "14.03.11"),
    ("pak, ada orang kecelakaan di jalan lintas", "2", ""),
    ("ada tabrakan, dua motor, orangnya luka", "2", ""),
    ("halo, mau lapor, ada kecelakaan", "2", ""),
    ("kecelakaan di Bathin Solapan, truk sama motor", "2", "14.03.16"),
    ("istri saya mau melahirkan", "3", ""),
    ("bapak saya sakit, dadanya sesak", "3", ""),
    ("minta ambulans cepat ya bu", "3", ""),
    ("saya perlu ambulans di Siak Kecil", "3", "14.03.12"),
    ("ada maling masuk rumah", "4", ""),
    ("tolong panggilkan polisi", "4", ""),
    ("pak polisi, motor saya diambil orang, ada maling", "4", ""),
    ("ada maling di Sungai Pakning", "4", "area:3|14.03.03|14.03.03.1010"),
    ("kampung kami kena banjir", "51", ""),
    ("tebing di jalan longsor, jalannya tertutup", "51", ""),
    ("banjir sudah setinggi pinggang di Bukit Batu", "51", "14.03.03|14.03.03.2006"),
    ("ada ular masuk ke rumah", "52", ""),
    ("harimau di kebun sawit, orang takut", "52", ""),
    ("gajah masuk kampung di Talang Muandau", "52", "14.03.15"),
    ("anak saya hilang dari kemarin sore", "53", ""),
    ("lapor, ada orang hilang di laut", "53", ""),
    ("ada pohon tumbang di tengah jalan", "54", ""),
    ("saya mau bicara dengan operator", "0", ""),
    ("tolong saya, tolong", "0", ""),
)

_YES_NO = {
    "1": ("ya", "iya", "betul", "benar", "ya betul", "iya benar", "ya pak"),
    "2": ("tidak", "bukan", "salah", "tidak betul", "bukan itu", "tidak pak"),
}

_DIGITS = {
    **{"nol": "0", "satu": "1", "dua": "2", "tiga": "3", "empat": "4", "lima": "5", "enam": "6"},
    **{"tujuh": "7", "delapan": "8", "sembilan": "9", "kosong": "0"},
    **{"satu dua": "12", "lima tujuh": "57", "tiga nol": "30", "sembilan empat": "94"},
    **{"sebelas": "11", "lima belas": "15", "dua puluh satu": "21", "empat puluh": "40"},
    **{"tiga puluh enam": "36", "delapan puluh lima": "85"},
}

_KECAMATAN = {
    "14.03.01": ("Kecamatan Bengkalis",),
    "14.03.02": ("Bantan", "di Bantan"),
    "14.03.03": ("Bukit Batu", "Kecamatan Bukit Batu"),
    "14.03.09": ("Mandau", "di Mandau pak"),
    "14.03.10": ("Rupat", "Kecamatan Rupat"),
    "14.03.11": ("Rupat Utara", "di Rupat Utara"),
    "14.03.12": ("Siak Kecil", "daerah Siak Kecil"),
    "14.03.13": ("Pinggir", "Kecamatan Pinggir"),
    "14.03.14": ("Bandar Laksamana", "di Bandar Laksamana"),
    "14.03.15": ("Talang Muandau", "saya di Talang Muandau"),
    "14.03.16": ("Bathin Solapan", "di Bathin Solapan bu"),
    "area:1|14.03.09": ("Duri", "di Duri", "kota Duri"),
    "area:3|14.03.03|14.03.03.1010": ("Sungai Pakning", "di Sungai Pakning"),
    "area:4|14.03.01": ("Pulau Bengkalis",),
    "area:5|14.03.10": ("Pulau Rupat",),
}
_WITH_HOMONYMS = {
    "14.03.13": "14.03.13|area:2|14.03.13.2007",
    "14.03.03": "14.03.03|14.03.03.2006",
    "14.03.10": "14.03.10|area:5",
    "14.03.01": "14.03.01|area:4",
}

_DESA = {
    "14.03.02.2005": ("Selat Baru", "di Selat Baru"),
    "14.03.02.2004": ("Teluk Pambang",),
    "14.03.09.1001": ("Air Jamban",),
    "14.03.09.1002": ("Babussalam",),
    "14.03.16.2010": ("Balai Makam", "desa Balai Makam"),
    "14.03.16.2012": ("Simpang Padang",),
    "14.03.11.2001": ("Tanjung Medang",),
    "14.03.10.1001": ("Batu Panjang",),
    "14.03.13.2003": ("Balai Pungut",),
    "14.03.12.2001": ("Lubuk Muda",),
    "14.03.01.2009": ("Meskom",),
    "14.03.01.2010": ("Senggoro",),
    "14.03.14.2005": ("Sepahat",),
}

_OTHER_INDONESIAN = (
    "selamat pagi, apa kabar semuanya",
    "besok kita berangkat ke Jakarta naik pesawat",
    "harga cabai naik lagi minggu ini",
    "sebentar, saya cari kacamata dulu",
    "ibu sedang memasak nasi goreng",
    "kemarin tim nasional menang lawan Malaysia",
    "jangan lupa beli beras sama minyak goreng",
    "mama, mama, lihat bonekaku",
    "kopinya pakai gula atau pahit",
    "sekolahnya libur sampai hari Senin",
    "duh, sinyalnya putus putus terus",
    "coba dengar lagu ini, enak sekali",
    "paketnya sampai jam berapa ya",
    "pemirsa, berikut ini berita malam",
    "cuaca hari ini cerah berawan",
    "kamu sudah makan belum",
    "aku lagi di warung, nanti ditelepon lagi",
    "sepatu baruku warnanya biru",
    "rapatnya ditunda minggu depan",
    "halo, halo, dengar suara saya",
    "nonton film apa nanti malam",
    "dia bekerja di kantor pos",
    "ayo main bola di lapangan",
    "pulsa saya mau habis",
)
_SOUNDS_OF_DISTRESS = (
    "aduh, aduh, aduh",
    "astaghfirullah, astaghfirullah",
    "hu hu hu hu",
    "eh, anu, apa namanya, hmm",
    "bangsat, kurang ajar kau",
    "goblok, brengsek",
    "hah, hah, hah",
)
_FOREIGN = (
    ("en-us", "hello, I am calling about the weather tomorrow"),
    ("en-us", "please leave a message after the tone"),
    ("en-us", "what time does the shop open on Sunday"),
    ("en-us", "thank you for watching, see you next time"),
    ("cmn", "今天天气很好我们去公园吧"),
    ("cmn", "请问现在几点了"),
    ("ar", "مرحبا كيف حالك اليوم"),
    ("ar", "السوق مفتوح كل يوم"),
)
_QUESTIONS = ("kejadian", "kejadian", "tempat", "kejadian", "yes_no", "tempat", "digits")


def spoken_by_callers() -> tuple[Sentence, ...]:
    """Everything with an answer that is right."""
    said = [
        Sentence("kejadian", "keyword", text, option)
        for option, texts in _KEYWORDS.items()
        for text in texts
    ]
    said += [
        Sentence("kejadian", "carrier", text, option, place) for text, option, place in _CARRIERS
    ]
    said += [
        Sentence("yes_no", "yes_no", text, option)
        for option, texts in _YES_NO.items()
        for text in texts
    ]
    said += [Sentence("digits", "digits", text, number) for text, number in _DIGITS.items()]
    said += [
        Sentence("tempat", "kecamatan", text, place=_WITH_HOMONYMS.get(place, place))
        for place, texts in _KECAMATAN.items()
        for text in texts
    ]
    said += [
        Sentence("tempat", "desa", text, place=place)
        for place, texts in _DESA.items()
        for text in texts
    ]
    return tuple(said)


def out_of_vocabulary() -> tuple[Sentence, ...]:
    """Speech in which nothing is to be understood, spread over the questions."""
    texts = [("id", text) for text in (*_OTHER_INDONESIAN, *_SOUNDS_OF_DISTRESS)]
    return tuple(
        Sentence(_QUESTIONS[number % len(_QUESTIONS)], "oov", text, language=language)
        for number, (language, text) in enumerate((*texts, *_FOREIGN))
    )
