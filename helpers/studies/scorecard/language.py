"""What papers say of text under the loop: words, stories, and some things of all models."""

from __future__ import annotations

from helpers.studies.scorecard.article import REPLACE_HARMS
from helpers.studies.scorecard.laws import GERSTGRASSER, KAZDAN, MAD, NATURE
from helpers.studies.scorecard.rules import AllOf, Bound, Claim, NotTestable, Null, Sign

STORIES = "a small GPT that tells the stories of a grammar"
ROUNDS = range(1, 9)


def damage_left(kept: str, metric: str, last: int) -> str:
    """Of what replace loses by the last generation, the share that another arm loses, too."""
    return (
        f"({kept}.{metric}[{last}] - {kept}.{metric}[0])"
        f" / (replace.{metric}[{last}] - replace.{metric}[0])"
    )


LANGUAGE = (
    Claim(
        "P04", "Early collapse: rare things are lost first.",
        f"{NATURE}, definition 2.1", "V", ("03", "05"),
        AllOf(
            (
                Sign("tails", "words_replace.alive_2_5[5] - words_replace.alive_1[5]", 0.02),
                Sign("tails", "words_replace.alive_100[5] - words_replace.alive_2_5[5]", 0.02),
                *(
                    Sign("gpt_steps", f"replace_best.recall_head[{g}] / replace_best.recall_head[0]"
                         f" - replace_best.recall_tail[{g}] / replace_best.recall_tail[0]", 0.02)
                    for g in (1, 3, 5)
                ),
            )
        ),
        "Words by their copies, facts by the fame of their people. It would change our mind: a "
        "world in which the frequent goes first.",
    ),
    Claim(
        "P05", "Late collapse: often a much smaller variance.",
        f"{NATURE}, definition 2.1", "V", ("02", "04", "05"),
        AllOf(
            (
                REPLACE_HARMS[0],
                Sign("vae", "1 - replace.decoder_variance[8] / replace.decoder_variance[0]", 0.1),
                Sign("gpt_steps", "1 - replace_best.distinct_3[8] / replace_best.distinct_3[0]",
                     0.1),
                Sign("gpt_steps", "1 - t08_replace_200.distinct_3[5] / "
                     "t08_replace_200.distinct_3[0]", 0.1),
                Sign("kde", "one_replace_h500.variance[0] - one_replace_h500.variance[49]", 0.1),
            )
        ),
        "Variety of text is counted in sequences of three words; the sampler decides. The last "
        "part is a kernel density whose variance grows. It would change our mind: text at "
        "temperature 1 that loses variety.",
    ),
    Claim(
        "P06", "A pretrained language model, tuned on what its like wrote, loses on real text.",
        f"{NATURE}, language models", "V", ("05",),
        Sign("gpt_fine_tuned", "beam5_replace.excess[5] - beam5_replace.excess[0]", 0.03),
        "Beam search and a pretrained base, as there; only the sign is asked, since an equal size "
        "would be chance. It would change our mind: a base that protects for good.",
        unmet=STORIES,
    ),
    Claim(
        "P07", "A tenth of real data: only minor degradation.",
        f"{NATURE}, setting 2", "V", ("04", "05", "07"),
        AllOf(
            (
                Bound("bigram", damage_left("mix10", "cross_entropy", 20), 0.25, 0.75),
                Bound("vae", damage_left("mix10", "elbo", 8), 0.25, 0.75),
                Bound("diffusion", damage_left("fresh10", "loss", 8), 0.25, 0.75),
                Bound("gpt_tenth", damage_left("redrawn", "excess", 8), 0.25, 0.75),
            )
        ),
        "Minor is read as a quarter of the damage. Two ways of keeping real data are mixed. Their "
        "own setting differs in epochs, too. It would change our mind: another reading of minor.",
        unmet="small models; the number of passes is not changed with it",
    ),
    Claim(
        "P08", "Generated text moves to low surprise and at once grows a tail of high surprise.",
        f"{NATURE}, Fig. 1", "V", ("05",),
        AllOf(
            (
                Sign("gpt_sampler", "beam5_replace.surprise_q50[0]"
                     " - beam5_replace.surprise_q50[5]", 0.05),
                Sign("gpt_sampler", "beam5_replace.surprise_q99[5]"
                     " - beam5_replace.surprise_q99[0]", 0.05),
            )
        ),
        "Beam search, as there; their code also forbids repetition. It would change our mind: "
        "both halves with one sampler.",
        unmet=STORIES,
    ),
    Claim(
        "P10", "Forbidding repetition does not cure it: perplexity doubles.",
        f"{NATURE}, ablation", "V", ("05",),
        Sign("gpt_penalty", "penalty_replace.excess[5] - beam5_replace.excess[5]", 0.05),
        "No study of ours forbids repetition yet. It would change our mind: a penalty that lowers "
        "the loss on real text.",
        unmet=STORIES,
    ),
    Claim(
        "P13", "Language, accumulate: the loss stays flat or falls.",
        f"{GERSTGRASSER}, Table 2", "S", ("05", "06"),
        AllOf(
            tuple(
                Bound("gpt_budget", f"accumulate_epochs.excess[{g}] - nothing.excess[{g}]", 0.03)
                for g in ROUNDS
            )
        ),
        "With steps in proportion to rows, against the best model of the real rows alone. At 200 "
        "steps whatever the pile, the loss rises: lesson 06 shows both. It would change our mind: "
        "another word in longer loops, or against its own start.",
        unmet=f"{STORIES}; held against the best model of the real rows, not against its own start",
    ),
    Claim(
        "P14", "Language, replace: worse in every generation.",
        f"{GERSTGRASSER}, Table 2", "S", ("05",),
        AllOf(
            tuple(
                Sign("gpt_steps", f"replace_best.excess[{g}] - replace_best.excess[{g - 1}]", 0.01)
                for g in ROUNDS
            )
        ),
        "A small GPT, a grammar's stories. It would change our mind: a generation that gives "
        "back.",
        unmet=STORIES,
    ),
    Claim(
        "P15", "Cool sampling: replace is far worse, accumulate nearly as before.",
        f"{GERSTGRASSER}, Table 2", "S", ("05",),
        AllOf(
            (
                Sign("gpt", "gpt_sampler.t08_replace.excess[5] - replace.excess[5]", 0.03),
                Sign("gpt", "gpt_sampler.t05_replace.excess[5] - replace.excess[5]", 0.03),
                Bound("gpt_steps", "t08_accumulate_epochs.excess[5] - nothing.excess[5]", 0.03),
                Bound("gpt_sampler", "t05_accumulate.excess[5] - t05_accumulate.excess[0]", 0.03),
            )
        ),
        "Theirs is a temperature of .3. The last part has one number of steps whatever the pile. "
        "It would change our mind: the coolest sampler at a budget by rows.",
        unmet=STORIES,
    ),
    Claim(
        "P21", "A sample of fixed size from all there is lies between replace and accumulate.",
        f"{KAZDAN}, accumulate-subsample", "S", ("05", "06"),
        AllOf(
            (
                Sign("bigram", "subsample.cross_entropy[20] - accumulate.cross_entropy[20]", 0.03),
                Sign("bigram", "replace.cross_entropy[20] - subsample.cross_entropy[20]", 0.03),
                Sign("gpt_steps", "subsample_best.excess[8] - accumulate_best.excess[8]", 0.03),
                Sign("gpt_steps", "replace_best.excess[8] - subsample_best.excess[8]", 0.03),
                Sign("regression", "subsample_t100.error[39] - accumulate_t100.error[39]", 0.05),
                Sign("regression", "replace_t100.error[39] - subsample_t100.error[39]", 0.05),
            )
        ),
        "Equal steps for the GPT. It would change our mind: a setting in which the sample is the "
        "best of the three.",
        unmet=STORIES,
    ),
    Claim(
        "P53", "Replace with a set as large as accumulate's lies between the two.",
        f"{GERSTGRASSER}, Table 2, last column", "S", ("06",),
        AllOf(
            (
                *(
                    Sign("gpt_budget", f"grown_epochs.excess[{g}] - accumulate_epochs.excess[{g}]",
                         0.03)
                    for g in (4, 8)
                ),
                *(
                    Sign("gpt_budget", f"replace_200.excess[{g}] - grown_epochs.excess[{g}]", 0.03)
                    for g in (4, 8)
                ),
            )
        ),
        "So a part of what replace loses is rows and steps, a part is the policy. It would change "
        "our mind: a grown set that does as well as accumulate.",
        unmet=STORIES,
    ),
    Claim(
        "P54", "How text is decoded decides how a model collapses.",
        "Drayson et al., 2502.15654, abstract", "A", ("05",),
        AllOf(
            (
                Sign("gpt_sampler", "t08_replace.excess[5] - t12_replace.excess[5]", 0.03),
                Sign("gpt_sampler", "t05_replace.excess[5] - t08_replace.excess[5]", 0.03),
                Sign("gpt_sampler", "1 - t05_replace.distinct_3[5] / t05_replace.distinct_3[0]",
                     0.1),
                Sign("gpt_sampler", "t12_replace.distinct_3[5] / t12_replace.distinct_3[0] - 1",
                     0.1),
            )
        ),
        "One GPT, from scratch. Their cure, a detector and new weights, is not here. It would "
        "change our mind: samplers that end alike.",
        unmet=STORIES,
    ),
    Claim(
        "P55", "A detector that drops machine text prevents collapse.",
        "Drayson et al., 2502.15654, abstract", "A", ("07",),
        Sign("detector", "replace.excess[5] - dropped.excess[5]", 0.03),
        "No study of ours detects anything yet. It would change our mind: a detector with the "
        "errors of real ones that keeps the loss flat.",
        unmet=STORIES,
    ),
    Claim(
        "P58", "Knowledge collapse: text stays fluent while facts go.",
        "2509.04796, abstract", "A", ("05",),
        AllOf(
            (
                Sign("gpt_steps", "replace_best.recall_tail[0] - replace_best.recall_tail[5]",
                     0.05),
                Sign("gpt_steps", "replace_best.mistakes[5] - replace_best.mistakes[0]", 0.05),
                Bound("gpt_steps", "replace_best.surprise_mean[5]"
                      " - replace_best.surprise_mean[0]", 0.1),
            )
        ),
        "Fluent is read as: no more surprising to the first model. It would change our mind: "
        "another yardstick of fluency.",
        unmet=STORIES,
    ),
    Claim(
        "P59", "With enough real data in each generation the loop stays where it is.",
        "Bertrand et al., 2310.00429, abstract", "A", ("07",),
        AllOf(
            tuple(
                Null("gpt_tenth", f"{arm}.excess[8] - {arm}.excess[5]", 0.03)
                for arm in ("redrawn", "new")
            )
        ),
        "A tenth, of which nobody says that it is enough; three generations of eight. It would "
        "change our mind: a drift in longer loops, or a larger share.",
        unmet="a tenth may be less than enough",
    ),
    Claim(
        "P60", "Fixed real rows only put the harm off.", f"{MAD}, augmentation loop", "V", ("07",),
        AllOf(
            (
                Sign("real_rows", "tenth_frozen.mean_error[100] - tenth_redrawn.mean_error[100]",
                     0.01),
                Sign("gpt_tenth", "frozen.excess[8] - frozen.excess[4]", 0.03),
            )
        ),
        "The first part holds the same rows against others drawn anew, the second asks whether "
        "the loss goes on rising. It would change our mind: a loss that levels off.",
        unmet="a bell, and " + STORIES,
    ),
    Claim(
        "P61", "The larger a model, the more a bad model's text costs it.",
        "Dohmatob et al., 2410.04840, on size", "S", ("12",),
        Sign("gpt_size", "(big_mix.excess[100] - big_mix.excess[0])"
             " - (small_mix.excess[100] - small_mix.excess[0])", 0.03),
        "Three widths of one GPT. It would change our mind: an advantage of size that survives a "
        "bad teacher.",
        unmet=STORIES,
    ),
    Claim(
        "P62", "Replace harms large models as much as small ones.",
        f"{GERSTGRASSER}, Table 2, differences of four sizes", "D", ("12",),
        Null("gpt_size", "(big_replace.excess[5] - big_replace.excess[0])"
             " - (small_replace.excess[5] - small_replace.excess[0])", 0.1),
        "Sizes that differ by twelve times. It would change our mind: a trend over more sizes.",
        unmet=STORIES,
    ),
    Claim(
        "P63", "About a third of newly published sites are written or helped by a machine.",
        "Dolezal et al., 2604.26965", "V", ("01",), NotTestable("a count of the web"),
        "Lesson 01 corrects such a share for the errors of a detector. It would test it: sites "
        "whose authors say how they wrote.",
    ),
    Claim(
        "P44", "Collapse, in one paper, means what other papers do not mean by it.",
        "Schaeffer et al., 2503.03150, eight definitions", "S", ("08",),
        AllOf(
            (
                Bound("definitions", "summary.share_low / summary.share_high", 0.2),
                Bound("definitions", "(summary.runs_none + summary.runs_all) / summary.runs", 0.25),
            )
        ),
        "Shares of our own runs that each definition calls collapsed, and runs on which all "
        "agree. It would change our mind: thresholds at which they agree.",
    ),
)  # fmt: skip
