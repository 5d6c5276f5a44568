"""The words and the sentences of `helpers.data.stories`: a hundred people, and more from syllables.

The first 100 names and 20 cities, jobs and foods are written here, so that the small world reads
well. A larger world goes on with made words: Zimo is a person, Nomaton a city, pikusmith a job and
babanut a food. They are always the same, and a larger list begins with the smaller one.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice


def _words(text: str) -> list[str]:
    return text.split()


END = "<eos>"
NAMES = _words(
    "Ada Ben Cleo Dan Eva Finn Gina Hugo Ines Jack Kira Leo Mia Noah Olga Paul Rosa Sam Tara Umar "
    "Vera Wim Xena Yann Zoe Abel Bela Carl Dora Emil Faye Gus Hana Igor Jana Kurt Lena Max Nora "
    "Omar Petra Quin Rudi Sara Tom Ula Viktor Wanda Yuri Zita Alma Boris Clara Dirk Elsa Frank "
    "Greta Hans Ida Jonas Katja Lars Marta Nils Otto Paula Rolf Sonja Theo Ulla Vito Wilma Ximena "
    "Yoko Zeno Anton Berta Cyril Dina Egon Flora Gregor Helga Ivan Julia Karim Lotte Milan Nadia "
    "Oskar Pablo Ruth Stefan Tina Urs Valerie Walter Yara Zack Amira"
)
CITIES = _words(
    "Oslo Rome Cairo Lima Paris Kyoto Delhi Dakar Quito Turin Perth Minsk Lagos Sofia Hanoi Boston "
    "Vienna Accra Riga Bergen"
)
JOBS = _words(
    "baker pilot nurse farmer painter lawyer tailor sailor teacher miner singer plumber judge "
    "dancer potter vet chemist butcher gardener poet"
)
FOODS = _words(
    "soup bread figs rice cheese plums fish honey beans nuts cake olives pasta pears eggs corn "
    "mango stew grapes tofu"
)
VERBS = _words(
    "finds sells paints hides breaks mends buys cleans draws lifts moves borrows loses opens wraps "
    "carries drops weighs polishes returns"
)
NOUNS = _words(
    "boat key lamp chair hat clock book box cup door drum bell rope map coat ring stone spoon kite "
    "mirror basket ladder wheel broom vase flag violin carpet kettle candle"
)
ADJECTIVES = _words("red old small heavy green round broken bright strange cheap")
ADVERBS = _words("today again slowly alone twice gladly")
# After the opening, a story goes on with one of these; capitals are slots.
OPENING = _words("NAME lives in CITY .")
SENTENCES = (
    (_words("NAME likes FOOD ."), 0.4),
    (_words("the JOB VERB a ADJECTIVE NOUN ."), 0.3),
    (_words("then NAME VERB the NOUN ADVERB ."), 0.3),
)
LITERALS = _words("lives in . likes the a then")
FACTS = {"city": "CITY", "job": "JOB", "food": "FOOD"}

# How many a world may have: of people, and of cities (jobs, foods).
MOST_NAMES, MOST_VALUES = 100_000, 1_000
WRITTEN = {"NAME": NAMES, "CITY": CITIES, "JOB": JOBS, "FOOD": FOODS}
ENDINGS = {"NAME": "", "CITY": "ton", "JOB": "smith", "FOOD": "nut"}
SYLLABLES = [onset + vowel for onset in "bdfghklmnprstvz" for vowel in "aeiou"]
RUDE = {"homo", "hori", "kaka", "nazi", "pedo", "pipi", "pupu", "puta", "puto"}  # somewhere
# Neighbours should not look alike: the words are taken in strides, which share no factor with the
# 75**2 and 75**3 there are, so that none comes twice.
STRIDES = {2: 1_777, 3: 133_333}


@lru_cache(maxsize=32)
def _words_of(slot: str, n: int) -> tuple[str, ...]:
    written = WRITTEN[slot]
    return (*written[:n], *islice(_made(slot), max(0, n - len(written))))


def words_of(slot: str, n: int) -> list[str]:
    """The first `n` words of "NAME", "CITY", "JOB" or "FOOD"; those by hand come first."""
    return list(_words_of(slot, n))


def _made(slot: str) -> Iterator[str]:
    """Words of two syllables, then of three, none of which is written by hand above."""
    taken = {word for words in (*WRITTEN.values(), NOUNS, VERBS) for word in words}
    for count, stride in STRIDES.items():
        kinds = len(SYLLABLES) ** count
        for number in range(kinds):
            rest, stem = number * stride % kinds, ""
            for _ in range(count):
                rest, syllable = divmod(rest, len(SYLLABLES))
                stem = SYLLABLES[syllable] + stem
            word = stem + ENDINGS[slot]
            word = word.capitalize() if slot in ("NAME", "CITY") else word
            if word not in taken and stem not in RUDE:
                yield word
