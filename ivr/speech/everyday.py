"""Words that one hears every day and that ask for nothing. Pure data.

A recogniser writes common words right far more often than rare ones. So where it wrote one of these it
was that word, and not a word of the menu that sounds like it: "istri" is not "listrik", and "kecamatan"
not "kejahatan".
"""

from __future__ import annotations

_WORDS = """
    ada adalah adik air aku akan alamat anak anda apa apakah arah atas atau ayah ayo baik banyak bapak
    baru batu bawah belakang beli belum bentar berapa besar besok bicara bisa biru boleh buah buat buka
    buku bulan bu cepat coba dalam dan dapat dapur darat dari datang deh dekat dengan dengar depan di dia dong
    dulu enak gelap gimana habis hari harus hitam hujan hutan ibu ikan ini istri itu jadi jalan jam jangan
    jauh juga kabar kabupaten kah kakak kalau kali kami kamu kanan kantor kapan karena kasih kata kawan ke kebun
    kecamatan kecil kelurahan keluarga kemarin kemana kenapa kepala kerja kiri kita kopi kota kucing kuning
    lagi lah lalu lama lampu langsung laut lewat lihat luar lupa main makan makanan malam mana mandi marah
    masih masjid masuk mata mau mereka merah minta minum mobil motor muda mungkin nama nanti nasi nih nomor
    orang pagi panas pakai pasar pergi perlu pernah pesan pintu pulang pulau pulsa punya putih roti rumah
    saja sama sampai sana sapi sapu saudara sawit saya sayur sebelah sebentar sekali sekarang
    sekolah selalu selamat semua sepatu sepeda siang siapa sini sore suami sudah sungai supaya tadi tahu
    tanah tanya tapi teman tempat tengah terima terus tetangga tidur toko tua tunggu turun uang untuk
    waktu warung yang
"""

EVERYDAY = frozenset(_WORDS.split())

AROUND = frozenset({
    *("pak", "bu", "bapak", "ibu", "bang", "abang", "kak", "kakak", "mas", "mbak", "dek", "om", "tante"),
    *("tolong", "halo", "ya", "eh", "em", "hmm", "anu", "ini", "itu", "tekan", "nomor", "pilih", "pilihan"),
    *("angka", "dong", "deh", "nih", "lah", "saja", "aja", "saya", "mau"),
})  # fmt: skip
"""What people say around an answer, and what does not change it."""
