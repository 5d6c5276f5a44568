"""What lesson 01 says in words: see claims.py."""

from __future__ import annotations

import numpy as np
import pandas as pd
from claims import Claim, Found, between, exactly, mean, values, within

from helpers import studies, theory
from helpers.data import robots, stocks
from helpers.studies.squeeze import THEMES


def _at(arm: str, metric: str) -> pd.Series:
    return values("squeeze", arm, metric)[0]


def _more(arm: str, metric: str) -> pd.Series:
    """By how much an arm is more surprised than the model of all rows, split by split."""
    return _at(arm, metric) - _at("all", metric)


def _all_themes(low: float, high: float, of: str) -> list[Found]:
    """Closed against all rows, on `of` ("part", "others" or "everything"), theme by theme."""
    metric = (lambda theme: of) if of == "everything" else (lambda theme: f"{of}_{theme}")
    return [between(_more(f"{theme}_closed", metric(theme)), low, high, theme) for theme in THEMES]


def _beyond_random() -> list[Found]:
    return [
        between(
            _at(f"{theme}_closed", f"part_{theme}") - _at(f"{theme}_random", f"part_{theme}"),
            0.3, np.inf, theme,
        )
        for theme in THEMES
    ]  # fmt: skip


def _average_against_topic(part: float) -> list[Found]:
    """The average stays below a part of the topic's loss, split by split."""
    return [
        between(
            part * _more(f"{theme}_closed", f"part_{theme}")
            - _more(f"{theme}_closed", "everything"),
            0, np.inf, theme,
        )
        for theme in THEMES
    ]  # fmt: skip


def _most_fell_on_the_topic() -> list[Found]:
    """Share of all loss that stands in held-out rows of the topic (its share of rows is known)."""
    found = []
    for theme in THEMES:
        rows = _at(f"{theme}_closed", "rows_gone")  # a quarter of each topic is held out
        own = rows * _more(f"{theme}_closed", f"part_{theme}")
        three = mean(own - 0.5 * _more(f"{theme}_closed", "everything"))
        found.append(Found(*three, three[1] > 0, theme))
    return found


def _better_on_others() -> list[Found]:
    return [
        between(_more(f"{theme}_closed", f"others_{theme}"), -0.02, 0, theme)
        for theme in ("formatting", "debugger")
    ]


def _twice_random() -> list[Found]:
    """The average, topic closed: between 1.75 and 2.5 times what random rows cost, paired."""
    closed, random = (_more(f"debugger_{arm}", "everything") for arm in ("closed", "random"))
    return [
        between(closed - 1.75 * random, 0, np.inf, "1.75 times"),
        between(2.5 * random - closed, 0, np.inf, "2.5 times"),
    ]


def _five_in_six() -> float:
    """The part of what is called machine-made that people wrote, of a reported twentieth."""
    called, missed = (studies.published(f"graphite_{key}") for key in ("called_wrongly", "missed"))
    return called * (1 - theory.prevalence(0.05, called, missed)) / 0.05


def _worse_by_less_than_half() -> list[Found]:
    closed = _more("importing_closed", "others_importing")
    half = _more("importing_random", "others_importing") / 2
    return [
        between(closed, 0, np.inf, "it does get worse"),
        between(half - closed, 0, np.inf, "half of random rows, less it"),
    ]


def _half_widths() -> dict[tuple[str, str, str], float]:
    """Half the interval of each number in the table: (theme, arm, whose text) -> nats a word."""
    found = {}
    for theme in THEMES:
        for arm in ("closed", "random"):
            for text in (f"part_{theme}", f"others_{theme}", "everything"):
                three = mean(_more(f"{theme}_{arm}", text))
                found[theme, arm, text.partition("_")[0]] = (three[2] - three[1]) / 2
    return found


def _widest() -> Found:
    widths = _half_widths()
    top = max(widths, key=lambda key: widths[key])
    return Found(widths[top], 0, 0, top == ("importing", "closed", "part"))


def _narrow() -> Found:
    widths = [width for key, width in _half_widths().items() if key[2] != "part"]
    return Found(max(widths), 0, 0, max(widths) < 0.003)


def _few_uses_at_random() -> list[Found]:
    return [between(_at(f"{theme}_random", "commonest_gone"), 0, 5, theme) for theme in THEMES]


def _published(*keys: str) -> list[float]:
    return [studies.published(f"longpre_{key}") for key in keys]


def _seventh_to_third() -> Found:
    few, many, small, large = _published("corpora_low", "corpora_high", "head_low", "head_high")
    low, high = few / large, many / small
    return Found(few / small, low, high, abs(low - 1 / 7) < 0.02 and abs(high - 1 / 3) < 0.02)


def _months() -> Found:
    months = [
        -12 * theory.years_bought(1 - share, 2.4)
        for share in _published("closed_tokens", "closed_maintained", "terms")
    ]
    return Found(months[1], min(months), max(months), min(months) > 0 and max(months) < 12)


def _even_in_ratios() -> Found:
    indexed = stocks.STOCKS["indexed web"]
    up, down = indexed.high / indexed.middle, indexed.middle / indexed.low
    return Found(up, down, up, abs(up - 4) < 0.2 and abs(down - 4) < 0.2)


def _crawl_is_not_even() -> Found:
    crawl = stocks.STOCKS["Common Crawl"]
    up, down = np.log(crawl.high / crawl.middle), np.log(crawl.middle / crawl.low)
    return Found(up / down, up / down, up / down, up > 2 * down)


def _stock_first() -> Found:
    indexed = stocks.STOCKS["indexed web"]
    ratio = indexed.high / indexed.low
    first = stocks.drivers()["label"].iloc[0] == "stock"
    return Found(ratio, ratio, ratio, round(ratio) == 16 and first)


def _growth_second() -> Found:
    growth = stocks.GROWTH
    up, down = growth.high / growth.middle - 1, 1 - growth.low / growth.middle
    second = stocks.drivers()["label"].iloc[1] == "growth"
    return Found(up, down, up, abs(up - 0.25) < 0.03 and abs(down - 0.25) < 0.03 and second)


def _published_width() -> float:
    """The part of the squared widths that comes from published intervals."""
    table = stocks.drivers().set_index("label")
    squared = (table["high"] - table["low"]) ** 2
    return float(squared[["stock", "growth", "usable"]].sum() / squared.sum())


def _machine_made(of: str) -> float:
    """Per cent in the middle of 2028, at one per cent published, by the law itself."""
    table = stocks.machine_text(0.01, 2.4, until=2029)
    share = table[table["arm"] == of].set_index("generation")["value"] / 100
    odds = share / (1 - share)
    return float(1 / (1 + 1 / np.sqrt(odds[2028] * odds[2029])))


def _shut(reader: str) -> list[frozenset[str]]:
    read = {"new": robots.allowed, "old": robots.allowed_first_match}[reader]
    return [robots.closed_to(site, read) for site in robots.SITES]


def _with_gptbot(crawlers: list[frozenset[str]]) -> set[int]:
    return {n for n, some in enumerate(crawlers, 1) if "GPTBot" in some}


MEANT = [site.means for site in robots.SITES]


def _seven_of_nine() -> Found:
    meant, new = _with_gptbot(MEANT), _with_gptbot(_shut("new"))
    return Found(len(new), 0, 0, (len(meant), len(new), len(new & meant)) == (9, 7, 7))


def _old_reader_finds_four() -> Found:
    old = _with_gptbot(_shut("old"))
    return Found(len(old), 0, 0, len(old) == 4 and old - _with_gptbot(MEANT) == {5})


def _file_three_fails() -> float:
    return sum("GPTBot" in _shut(reader)[2] for reader in ("new", "old"))


def _not_as_meant() -> float:
    return sum(a != b for a, b in zip(_shut("new"), MEANT, strict=True))


def _agree() -> float:
    return sum(a == b for a, b in zip(_shut("new"), _shut("old"), strict=True))


SPLITS = "nats a word, against all rows, 40 splits"
TWELVE = "twelve files, six crawlers"
CLAIMS = [
    Claim("01", "turns even large differences in the amount of text into a few years",
          "exact, ten times", exactly(lambda: theory.years_bought(10, 2.4), 2, 3)),
    Claim("01", "The whole web holds about six times as much as what is indexed", "published",
          exactly(lambda: stocks.STOCKS["whole web"].middle / stocks.STOCKS["indexed web"].middle,
                  5.8, 6.3)),
    Claim("01", "In ratios the interval is even", "published", _even_in_ratios),
    Claim("01", "For Common Crawl the two sides differ on that axis, too", "published",
          _crawl_is_not_even),
    Claim("01", "The stock is known to a factor of sixteen, and moves the date most",
          "exact, one input at a time", _stock_first),
    Claim("01", "about a quarter up or down, and comes second all the same", "the same",
          _growth_second),
    Claim("01", "most of it comes from the published intervals", "squared widths of the inputs",
          exactly(_published_width, 0.9, 1)),
    Claim("01", "ours ends more than a year earlier", "years before the published 2032, 40 seeds",
          within(lambda: studies.published("villalobos_last_year") - values(
              "squeeze", "forecast", "high")[0], 1, 2)),
    Claim("01", "Nine of the twelve owners mean to keep the crawler GPTBot", TWELVE,
          exactly(lambda: len(_with_gptbot(MEANT)), 9, 9)),
    Claim("01", "Seven files of nine shut out GPTBot by the standard", TWELVE, _seven_of_nine),
    Claim("01", "and the owner of one of them (number 5) means to let it in",
          TWELVE, _old_reader_finds_four),
    Claim("01", "The file above fails with both", TWELVE, exactly(_file_three_fails, 0, 0)),
    Claim("01", "of our twelve files, four do not do what they mean even by the standard", TWELVE,
          exactly(_not_as_meant, 4, 4)),
    Claim("01", "on six of twelve files two readers agree wholly", TWELVE, exactly(_agree, 6, 6)),
    Claim("01", "at most $5/28$ of the tokens, about a fifth", "published",
          exactly(lambda: np.divide(*_published("closed_tokens", "closed_maintained")),
                  0.17, 0.2)),
    Claim("01", "the same sum gives a bound anywhere from a seventh to a third", "published",
          _seventh_to_third),
    Claim("01", "In the forecast all that is a matter of months", "exact", _months),
    Claim("01", "Whoever uses it for something else loses nothing that matters", SPLITS,
          within(lambda: _more("debugger_closed", "others_debugger"), -0.003, 0.003)),
    Claim("01", "gets a little better there, as with the debugger closed", SPLITS,
          _better_on_others),
    Claim("01", "about twice as much as with random rows gone", f"paired, {SPLITS}", _twice_random),
    Claim("01", "it does get worse there, but by less than half of what random rows cost", SPLITS,
          _worse_by_less_than_half),
    Claim("01", "The widest interval of the table is that of import closed, on the topic", SPLITS,
          _widest),
    Claim("01", "no interval reaches further than three thousandths up or down", SPLITS, _narrow),
    Claim("01", "The topic loses more than $0.3$ nats beyond what random rows cost",
          "closed minus random, three topics, 40 splits", _beyond_random),
    Claim("01", "All other text stays within $0.02$", f"three topics, {SPLITS}",
          lambda: _all_themes(-0.02, 0.02, "others")),
    Claim("01", "The average moves by less than $0.15$", f"three topics, {SPLITS}",
          lambda: _all_themes(0, 0.15, "everything")),
    Claim("01", "and by less than a third of what the topic loses", "three topics, paired",
          lambda: _average_against_topic(1 / 3)),
    Claim("01", "moved by less than a seventh of what the topic lost", "three topics, paired",
          lambda: _average_against_topic(1 / 7)),
    Claim("01", "most of the loss fell on text of that topic",
          "its part of the loss minus a half of all, three topics", _most_fell_on_the_topic),
    Claim("01", "and none with more than a few uses", "commonest word lost at random, 40 splits",
          _few_uses_at_random),
    Claim("01", "half of what is new in the middle of 2028 would be machine-made", "exact",
          exactly(lambda: _machine_made("of what is new"), 0.48, 0.52)),
    Claim("01", "about one part in twenty-five of all there is", "exact",
          exactly(lambda: _machine_made("of all there is"), 0.035, 0.045)),
    Claim("01", "A half stays about a half", "exact, published errors",
          exactly(lambda: theory.prevalence(0.5, 0.042, 0.006), 0.47, 0.53)),
    Claim("01", "Of a twentieth, five parts in six are mistakes of the detector",
          "exact, published errors", exactly(_five_in_six, 0.82, 0.85)),
    Claim("01", "One doubling of the need takes less than that", "exact, years",
          exactly(lambda: theory.years_bought(2, 2.4), 0, 1)),
    Claim("01", "That would take a tenth of the text, not a half", "exact, years earlier",
          exactly(lambda: -theory.years_bought(0.1, 2.4), 2, 3)),
]  # fmt: skip
