"""What lesson 14 says in words: see claims.py. Decided by its own runs, on random weights."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from functools import cache

import numpy as np
from claims import Claim, Found, exactly, mean, values
from claims_05 import SMOL

from helpers import studies
from helpers.coding.hub_writer import PassesTests, solutions
from helpers.data.stories import StoryGrammar
from helpers.explorers import bill, lesson_14, pretrained
from helpers.loop import History, run_loop
from helpers.models.gpt import GPT
from helpers.models.hub import HubLanguageModel
from helpers.policies import Accumulate, Replace
from helpers.studies import gpt_scale, nature_opt
from helpers.verification import Sandbox


def _one(of: str, value: float, holds: bool) -> Found:
    return Found(float(value), float(value), float(value), bool(holds), of)


@cache
def _run() -> History:
    model = HubLanguageModel(
        lesson_14.checkpoint(), block=24, steps=30, batch_size=8, learning_rate=0.01
    )
    return run_loop(model, lesson_14.story_blocks(), policy=Replace(), generations=2, seed=0)


def _rises() -> list[Found]:
    losses = [-model.score(lesson_14.story_blocks()) for model in _run().models]
    return [_one(f"generation {g}", b - a, b > a)
            for g, (a, b) in enumerate(itertools.pairwise(losses), start=1)]  # fmt: skip


def _hardly_learnt() -> Found:
    """Far from what the real text needs: its entropy, a token of this tokenizer at most."""
    model = _run().models[0]
    real = lesson_14.story_blocks()
    never = -model.pretrained().score(real)
    left = -model.score(real)
    return _one("nats left, of those before the fit", left / never, 0.5 < left / never < 1)


def _drawn(**arguments: object) -> Callable[[], Found]:
    def decide() -> Found:
        found = lesson_14.distinct_tokens(**arguments)
        return _one(str(arguments), found, found == (50 if "do_sample" in arguments else 1))

    return decide


def _fair() -> float:
    """Exact: different tokens in 2,000 draws from 1,000 of equal chance."""
    return 1000 * (1 - (1 - 1 / 1000) ** 2000)


def _others_as_likely() -> Found:
    """Chance of the last token that is kept, over that of the first that is not."""
    import torch

    with torch.inference_mode():
        logits = lesson_14._even_network()(input_ids=torch.zeros((1, 1), dtype=torch.long)).logits
    p = np.sort(torch.softmax(logits[0, -1].double(), 0).numpy())[::-1]
    return _one("mean chance of the fifty, over that of the others", p[:50].mean() / p[50:].mean(),
                p[:50].mean() < 2 * p[50:].mean())  # fmt: skip


def _reads_none() -> Found:
    said, drawn = lesson_14.usual_top_k(), lesson_14.distinct_tokens(do_sample=True)
    return _one("tokens drawn, where top_k reads None", drawn, said is None and drawn == 50)


def _epochs_differ() -> Found:
    without, tenth = (nature_opt.n_epochs(real, 0) for real in nature_opt.SWITCHES["real"])
    return _one("epochs more", tenth - without, tenth != without)


def _epochs_equal() -> list[Found]:
    return [
        _one(f"--epochs {n}", n, {nature_opt.n_epochs(r, n) for r in (0.0, 0.1)} == {n})
        for n in nature_opt.SWITCHES["epochs"]
        if n
    ]


def _trained_on_solutions_alone() -> list[Found]:
    problems = lesson_14.short_problems(3)
    with Sandbox() as box:
        run = run_loop(lesson_14.code_writer(problems), solutions(problems), policy=Accumulate(),
                       generations=1, n_samples=6, verifier=PassesTests(box))  # fmt: skip
    return [_one(f"kept, generation {g}", len(kept), len(kept) == 0)
            for g, kept in enumerate(run.samples)]  # fmt: skip


SIZES = {  # width, layers, heads, rows a batch, steps
    "timed": (*(bill.TIMED[name] for name in ("width", "layers", "heads", "batch_size")), 3),
    "larger": (512, 8, 8, 16, 1),
    "small": (64, 2, 2, 16, 40),
}


def _work(width: int, layers: int, heads: int, batch: int, steps: int) -> float:
    """Weights times tokens a CPU second of a short fit; the first step is not counted."""
    rng = np.random.default_rng(0)
    rows = rng.integers(bill.VOCABULARY, size=(64, bill.CONTEXT + 1))
    model = GPT(bill.VOCABULARY, bill.CONTEXT, width, layers, heads, steps=1, batch_size=batch)
    model.fit(rows, rng)
    began = time.process_time()
    model = model.set_params(steps=steps).fit(rows, rng)
    seconds = time.process_time() - began
    weights = sum(w.numel() for w in model.network_.parameters())
    return weights * steps * batch * bill.CONTEXT / seconds


@cache
def _best() -> dict[str, float]:
    """The best of three turns of each size: what else the machine does costs the others."""
    turns = [{name: _work(*size) for name, size in SIZES.items()} for _ in range(3)]
    return {name: max(turn[name] for turn in turns) for name in SIZES}


def _larger_work_alike() -> Found:
    ratio = _best()["larger"] / _best()["timed"]
    return _one("work a second, 26 million weights over the timed", ratio, 0.4 < ratio < 2.5)


def _small_use_it_badly() -> Found:
    ratio = _best()["small"] / _best()["timed"]
    return _one("work a second, a small one over the timed", ratio, ratio < 1)


def _second() -> float:
    """Hours of Nature's second setting over those of the first."""
    speed = bill.Speed(bill.LEARNT, 0, bill.TIMED_WEIGHTS, "any")
    epochs = nature_opt.n_epochs(0.1, 0)
    return bill.nature_hours(speed, epochs) / bill.nature_hours(speed)


def _night() -> Found:
    """Hours grow with the weights: the size whose run takes a night."""
    speed = bill.Speed(bill.LEARNT, 0, bill.TIMED_WEIGHTS, "any")
    size = bill.TIMED_WEIGHTS * bill.NIGHT / bill.hours(1e5, speed.of(bill.TIMED_WEIGHTS))
    return _one("weights", size, bill.TIMED_WEIGHTS < size < bill.HUB_WEIGHTS)


def _not_recorded(name: str) -> Callable[[], Found]:
    """As soon as it is, the sentence must change."""

    def decide() -> Found:
        there = (studies.RESULTS / f"{name}.json").exists()
        return _one(f"{name} is recorded", there, not there)

    return decide


def _world() -> list[Found]:
    people = gpt_scale.SETTINGS["world"]["n_names"] / StoryGrammar().n_names
    big = gpt_scale.SETTINGS["sizes"]["big"]
    words = len(StoryGrammar(**gpt_scale.SETTINGS["world"]).words)
    weights = (12 * big["layers"] * big["width"] + words) * big["width"] / 1e6
    return [_one("times as many people", people, people == 50),
            _one("million weights", weights, 27.5 < weights < 28.5)]  # fmt: skip


def _rule(name: str, holds: bool) -> Callable[[], Found]:
    def decide() -> Found:
        row = pretrained.rules().loc[name]
        seeds = 0 if not holds else row["of"]  # failed in every seed, or held in every seed
        return _one(name, row["seeds"], bool(row["holds"]) is holds and row["seeds"] == seeds)

    return decide


def _fell_in_every_seed() -> Found:
    """Surprise at T = 1 from generation 0 to 3; and the interval of the mean holds zero."""
    surprise = values("smol_stories", "t1_replace", "surprise")
    value, low, high = mean(surprise[3] - surprise[0])
    every = bool((surprise[3] < surprise[0]).all())
    return Found(value, low, high, every and low < 0 < high)


def _above_the_pretrained() -> list[Found]:
    """In generation 3, in every seed; at T = 1 the mean is not."""
    base = values("smol_stories", "base", "loss")[0]
    found = []
    for sampler in ("k50", "beam5"):
        gap = values("smol_stories", f"{sampler}_replace", "loss")[3] - base
        found.append(_one(f"{sampler}, least of the seeds", gap.min(), bool((gap > 0).all())))
    gap = values("smol_stories", "t1_replace", "loss")[3] - base
    return [*found, _one("t1, mean", gap.mean(), gap.mean() < 0)]


def _lower_with_each_sampler() -> list[Found]:
    """The least gap of a seed, in each generation after the first, which is one model for both."""
    found = []
    for sampler in pretrained.SAMPLERS:
        more, less = (values("smol_stories", f"{sampler}_{policy}", "loss")
                      for policy in pretrained.POLICIES)  # fmt: skip
        found += [_one(f"{sampler}, generation {g}", gap := (more[g] - less[g]).min(), gap > 0)
                  for g in more if g]  # fmt: skip
    return found


RANDOM = "own run, 41,952 random weights"
CALLS = "2,000 first tokens by transformers, from 1,000 of random weights"

CLAIMS = [
    Claim("14", "The loss is measured on the real blocks, in nats a token. It rises.",
          f"{RANDOM}, three fits of 30 steps, one seed", _rises),
    Claim("14", "Such a model has hardly learnt the first real text", RANDOM, _hardly_learnt),
    Claim("14", "A fair lottery with these numbers would show more than eight hundred different "
          "tokens", "exact", exactly(_fair, 800, 900)),
    Claim("14", "generate keeps the fifty likeliest tokens unless it is told not to", CALLS,
          _drawn(do_sample=True)),
    Claim("14", "each of them is about as likely as those that do", "the network's own chances",
          _others_as_likely),
    Claim("14", "In transformers 5 the setting reads None, and most tokens are thrown away all "
          "the same", CALLS, _reads_none),
    Claim("14", "The temperature changes nothing, since it was $1$ before", CALLS,
          _drawn(do_sample=True, temperature=1.0)),
    Claim("14", "do not draw, with five beams or with one: they give the same token every time",
          CALLS,
          lambda: [_drawn(num_beams=5)(), _drawn()()]),
    Claim("14", "The first rule failed, in every seed.", SMOL,
          _rule("surprise rises at T = 1, falls with beam 5", False)),
    Claim("14", "Here they became easier in all three seeds", SMOL, _fell_in_every_seed),
    Claim("14", "An interval of three seeds is wide, and this one holds zero", SMOL,
          _fell_in_every_seed),
    Claim("14", "The other three rules held in every seed.", SMOL,
          lambda: [_rule(name, True)() for name in pretrained.rules().index[1:]]),
    Claim("14", "one of our rules failed, and three held", SMOL,
          lambda: _one("rules that hold", n := pretrained.rules()["holds"].sum(), n == 3)),
    Claim("14", "With these two it ends above the pretrained model: worse on real text than before "
          "any fit", SMOL, _above_the_pretrained),
    Claim("14", "Accumulate stays lower with each sampler, in every seed and generation after "
          "the first fit", SMOL,
          _lower_with_each_sampler),
    Claim("14", "real text became harder under replace, and less so under accumulate, in each of "
          "three seeds", SMOL, lambda: [_rule("loss of replace rises at T = 1", True)(),
                                        *_lower_with_each_sampler()]),
    Claim("14", "Our rule had said that its samples at $T = 1$ become harder to predict. They did "
          "not.", SMOL, _fell_in_every_seed),
    Claim("14", "By chance alone, as with three coins, that happens once in eight times", "exact",
          exactly(lambda: 1 / 2**3, 0.125, 0.125)),
    Claim("14", "The paper's two settings differ in two things at once", "switches of nature_opt",
          _epochs_differ),
    Claim("14", "With equal epochs only the real share differs", "switches of nature_opt",
          _epochs_equal),
    Claim("14", "every generation was trained on the three solutions alone",
          f"{RANDOM}, six programs a generation", _trained_on_solutions_alone),
    Claim("14", "one measurement gives the order of magnitude for larger models; a factor of two "
          "is within its error", "short fits on this machine", _larger_work_alike),
    Claim("14", "small networks use a processor badly", "short fits on this machine",
          _small_use_it_badly),
    Claim("14", "The paper has a second setting, with ten epochs: a seed of it costs half as much "
          "again", "settings of nature_opt", exactly(lambda: _second() - 1, 0.5, 0.5)),
    Claim("14", "With five seeds of both the bill is $12.5$ times the number above",
          "settings of nature_opt",
          exactly(lambda: len(nature_opt.SEEDS) * (1 + _second()), 12.5, 12.5)),
    Claim("14", "What is the largest model that is done in one night of ten hours on one core",
          "2,000 tokens a second: a size at which the line may be used", _night),
    Claim("14", "Nobody of us has run this recipe at full size", "results",
          _not_recorded("nature_opt")),
    Claim("14", "Nobody has run it on a GPU yet", "results", _not_recorded("gpt_scale")),
    Claim("14", "a world fifty times larger, with models of up to 28 million weights",
          "settings of gpt_scale", _world),
]  # fmt: skip
