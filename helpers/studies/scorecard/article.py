"""The news article, sentence by sentence: 29 sentences, in our words, two of them cut in two.

The article is copyright: no sentence of it stands here. Its own summary in five points (13 to 17)
and its glossary (22 to 29) say some things again; such rows say whom they repeat.
"""

from __future__ import annotations

from helpers.studies.scorecard.rules import AllOf, Bound, Claim, NotTestable, Null, Rule, Sign

# Loss under replace, last generation minus first, each family by its own yardstick.
REPLACE_HARMS: tuple[Rule, ...] = (
    Sign("gaussian", "mle_n100.variance[0] - mle_n100.variance[99]", 0.1),
    Sign("discrete", "zipf_replace.support[0] - zipf_replace.support[50]", 10),
    Sign("kde", "one_replace_h500.variance[49] - one_replace_h500.variance[0]", 0.1),
    Sign("regression", "replace_t100.error[39] - replace_t100.error[0]", 0.1),
    Sign("bigram", "replace.cross_entropy[20] - replace.cross_entropy[0]", 0.03),
    Sign("vae", "replace.elbo[0] - replace.elbo[8]", 1),
    Sign("diffusion", "replace.loss[8] - replace.loss[0]", 0.003),
    Sign("gpt_steps", "replace_best.excess[8] - replace_best.excess[0]", 0.03),
)
# How much worse replace is than accumulate, in the last generation of both.
ADDING_HELPS: tuple[Rule, ...] = (
    Sign("gaussian", "accumulate_n100.variance[99] - mle_n100.variance[99]", 0.1),
    Sign("discrete", "zipf_accumulate.support[50] - zipf_replace.support[50]", 10),
    Sign("kde", "one_replace_h500.variance[49] - one_accumulate_h500.variance[49]", 0.1),
    Sign("regression", "replace_t100.error[39] - accumulate_t100.error[39]", 0.1),
    Sign("bigram", "replace.cross_entropy[20] - accumulate.cross_entropy[20]", 0.03),
    Sign("vae", "accumulate.elbo[8] - replace.elbo[8]", 1),
    Sign("diffusion", "replace.loss[8] - accumulate.loss[8]", 0.003),
    Sign("gpt_steps", "replace_best.excess[8] - accumulate_best.excess[8]", 0.03),
    Sign("gpt_budget", "grown_epochs.excess[8] - accumulate_epochs.excess[8]", 0.03),
)
# A bulwark that holds loses nothing.
ADDING_LOSES_NOTHING: tuple[Rule, ...] = (
    Bound("gpt_budget", "accumulate_epochs.excess[8] - nothing.excess[8]", 0.03),
    Bound("bigram", "accumulate.cross_entropy[20] - accumulate.cross_entropy[0]", 0.03),
    Bound("vae", "accumulate.elbo[0] - accumulate.elbo[8]", 1),
    Bound("diffusion", "accumulate.loss[8] - accumulate.loss[0]", 0.003),
)
TOY = "a small writer in a toy language"
CHECKED_HELPS = Sign("execution", "unit_tests.pass_1[4] - human.pass_1[4]", 0.02)
CHECKED_GAINS = Sign("execution", "unit_tests.gain_pass_1[4]", 0.02)
CHECKED_WIDENS = Sign("execution", "unit_tests.gain_pass_10[4]", 0.02)
REPAIR_GAINS = Sign("execution", "repair.gain_pass_1[4]", 0.02)
REPAIR_ADDS = Sign("execution", "repair.pass_1[4] - unit_tests.pass_1[4]", 0.02)
MENDED = "mean(repair.mended[1:4])"
EXECUTION_MENDS: tuple[Rule, ...] = (
    Sign("execution", MENDED, 0.02),
    Sign("execution", f"{MENDED} - mean(repair_resample.mended[1:4])", 0.02),
    Sign("execution", f"{MENDED} - mean(repair_blank.mended[1:4])", 0.02),
)
NEWEST_HARMS = Sign("execution", "-unchecked_newest.gain_pass_1[4]", 0.02)
GPT_LOSES = REPLACE_HARMS[-1]


def article(sentence: int) -> str:
    """Where a sentence stands."""
    return f"news article, sentence {sentence}"


ARTICLE = (
    Claim(
        "F01", "Data made by a machine can help a model, under specific circumstances.",
        article(1), "V", ("11",), CHECKED_HELPS,
        "The circumstance is a check that runs, in a toy language, for four generations. It would "
        "change our mind: as many programs, chosen at random, that teach as much.",
        exists=True,
    ),
    Claim(
        "F02a", "The demand for text grows exponentially and meets a finite stock.",
        article(2), "V", ("01",), NotTestable("a forecast from published inputs"),
        "Lesson 01 computes the date from others' counts, so that agreement tests nothing. It "
        "would test it: counts of tokens trained on, year by year, until the stock is met.",
    ),
    Claim(
        "F02b", "Media companies close their sites to collectors of text.",
        article(2), "V", ("01",), NotTestable("a report about companies"),
        "Published shares stand in lesson 01. It would test it: the robots files of news sites, "
        "read again each year.",
    ),
    Claim(
        "F03", "Researchers turn to synthetic data.", article(3), "V", (),
        NotTestable("a report about people"),
        "It would test it: the share of papers whose training data are synthetic, by year.",
    ),
    Claim(
        "F04", "Worries that models collapse have come up.", article(4), "V", (),
        NotTestable("a report about people"),
        "It would test it: nothing that runs; the papers are there to be read.",
    ),
    Claim(
        "F05", "Collapse was shown in models of several architectures.",
        article(5), "V", ("02", "03", "04", "05", "06"), AllOf(REPLACE_HARMS),
        "Toy sizes, replace only, each family by its own yardstick; families that share seeds are "
        "not independent. It would change our mind: a family that loses nothing under replace.",
    ),
    Claim(
        "F06", "A critic doubts the result and calls its assumptions unrealistic.",
        article(6), "V", ("06", "08"), NotTestable("an opinion about assumptions"),
        "Both results come out of one program, by its policy. It would test it: a survey of what "
        "is really trained on.",
    ),
    Claim(
        "F07", "Adding synthetic to real data, instead of replacing them, is a bulwark.",
        article(7), "V", ("06",), AllOf(ADDING_HELPS + ADDING_LOSES_NOTHING),
        "The first parts say that adding is better than replacing, the last four that nothing is "
        "lost. It would change our mind: a family in which the last four hold for longer loops.",
    ),
    Claim(
        "F08", "As people work today, the danger is negligible.", article(8), "V", ("08",),
        NotTestable("it speaks of all practice"),
        "Counting our own arms would measure our choice of arms. It would test it: many models in "
        "use, their data known, by a yardstick fixed beforehand.",
    ),
    Claim(
        "F09", "Llama 3.1 shows that synthetic data, corrected, improve a model without collapse.",
        article(9), "V", ("11",),
        AllOf((REPAIR_GAINS, Sign("execution", "repair.gain_pass_10[4]", 0.02), REPAIR_ADDS)),
        "The third part asks what the correction adds to a mere filter. Four generations, a toy "
        "language. It would change our mind: more from correcting than from filtering alone.",
        unmet=TOY,
    ),
    Claim(
        "F10", "Feedback from running lets a model mend its programs and learn from mistakes.",
        article(10), "V", ("11",), AllOf(EXECUTION_MENDS),
        "The last part takes the message away and leaves the program. It would change our mind: "
        "a message that mends more than an empty one, in a larger model.",
        unmet=TOY,
    ),
    Claim(
        "F11a", "It works for smaller models.", article(11), "V", ("11",), CHECKED_GAINS,
        "One size, one toy language. It would change our mind: no gain at other starts.",
        exists=True,
    ),
    Claim(
        "F11b", "A larger model, on its own data alone, can get worse without such feedback.",
        article(11), "V", ("11", "12"),
        AllOf(
            (
                NEWEST_HARMS,
                Sign("size", "big_start.pass_1[0] - big_own_unchecked.pass_1[3]", 0.02),
            )
        ),
        "Worse than its start is not worse than with the same steps on human programs: lesson 12 "
        "prints both. It would change our mind: no loss at either size.",
        exists=True, unmet=TOY,
    ),
    Claim(
        "F12", "In sum: add, manage and correct, and ability grows without collapse.",
        article(12), "V", ("11", "13"),
        AllOf((*ADDING_HELPS, REPAIR_GAINS, REPAIR_ADDS, CHECKED_GAINS)),
        "It sums up sentences 7, 9 and 11. It would change our mind: what changes theirs.",
        repeats="F07", unmet=TOY,
    ),
    Claim(
        "F13", "Key point: synthetic data can help under circumstances.",
        article(13), "V", ("11",), CHECKED_HELPS,
        "It is sentence 1 again. It would change our mind: what changes that.",
        exists=True, repeats="F01",
    ),
    Claim(
        "F14", "Key point: adding to the data that exist lowers the danger.",
        article(14), "V", ("06",), AllOf(ADDING_HELPS),
        "The half of sentence 7 that asks only for less harm. It would change our mind: one "
        "family that does better under replace, at equal steps and rows.",
        repeats="F07",
    ),
    Claim(
        "F15", "Key point: Llama 3.1 is an example of it.", article(15), "V", ("11",),
        NotTestable("its paper has no run without"),
        "It would test it: the same model trained with and without the synthetic programs.",
    ),
    Claim(
        "F16", "Key point: studies of collapse are criticised for their assumptions.",
        article(16), "V", ("06", "08"), NotTestable("a report about papers"),
        "It would test it: nothing that runs; lesson 08 lists what each paper assumes.",
    ),
    Claim(
        "F17", "Key point: demand and closed doors drive the use of synthetic data.",
        article(17), "V", ("01",), NotTestable("a cause in the economy"),
        "It would test it: firms that lost a source, against firms that did not.",
    ),
    Claim(
        "F18", "Research underlines that adding softens the harm.",
        article(18), "V", ("06",),
        AllOf(
            (
                *ADDING_HELPS,
                Bound("kde", "one_accumulate_h500.variance[49] / "
                      "one_accumulate_h500.variance[19]", 1.05),
            )
        ),
        "Against it stands a kernel density of fixed width, which goes on growing. It would "
        "change our mind: growth that ends in a longer run.",
        repeats="F07",
    ),
    Claim(
        "F19", "Correcting again and again raises what a model can do.",
        article(19), "V", ("11",),
        AllOf(
            (
                REPAIR_GAINS,
                Sign("execution", "repair.pass_1[4] - repair_resample.pass_1[4]", 0.02),
            )
        ),
        "The second part gives the control as many tries without a correction. It would change "
        "our mind: a correction that beats another try.",
        repeats="F09", unmet=TOY,
    ),
    Claim(
        "F20", "It is an answer to scarce data, too.", article(20), "V", ("11",),
        Sign(
            "execution_controls",
            "(execution.unit_tests.pass_1[4] - start.pass_1[0])"
            " - 0.8 * (reference.pass_1[4] - start.pass_1[0])",
            0.01,
        ),
        "Own checked programs must bring more than four fifths of what as many given ones bring. "
        "The given ones are drawn by a program, not by people. It would change our mind: another "
        "share of the pile.",
        unmet=TOY,
    ),
    Claim(
        "F21", "Better small models now, and no collapse in the long run.",
        article(21), "V", (), NotTestable("a forecast"),
        "It would test it: waiting, with yardsticks that are fixed today.",
    ),
    Claim(
        "F22", "Collapse is a loss of generalisation, from too much synthetic or repetitive data.",
        article(22), "V", ("05",),
        AllOf(
            (
                GPT_LOSES,
                Sign("gpt_steps", "1 - replace_best.distinct_3[8] / "
                     "replace_best.distinct_3[0]", 0.05),
            )
        ),
        "Loss first, repetition second, both at temperature 1. It would change our mind: text "
        "that grows repetitive without a cooler sampler.",
    ),
    Claim(
        "F23", "Its cause is special training on a narrow set: overfitting.",
        article(23), "V", ("00", "05"),
        AllOf(
            (
                # Two numbers cannot learn a hundred rows by heart: without overfitting, no loss.
                Null("gaussian", "mle_n100.variance[0] - mle_n100.variance[99]", 0.1),
                # Every fit to a sample copies its chance: smoothing, which copies less, loses less.
                Sign("tails", "zipf_none.lost[0] - zipf_discount.lost[0]", 0.02),
                # Overfitting must forget, too: rare facts, beyond the best number of steps.
                Sign("gpt_steps", "real_400.recall_tail[0] - real_1200.recall_tail[0]", 0.05),
            )
        ),
        "Not needed, it may add: the parts ask for it where nothing can be learnt by heart, in "
        "one fit, and in a GPT trained too long. It would change our mind: a loop that loses "
        "nothing because its models are too stiff to overfit.",
    ),
    Claim(
        "F24", "Synthetic data are made to be like real ones.", article(24), "V", ("00",),
        NotTestable("a definition"),
        "It would test it: nothing; one can only use the word otherwise.",
    ),
    Claim(
        "F25", "They complete real data and make models better and more robust.",
        article(25), "V", ("11",),
        AllOf(
            (
                CHECKED_HELPS,
                Sign("execution", "unchecked.pass_1[4] - human.pass_1[4]", 0.02),
            )
        ),
        "Checked and unchecked; nobody measured robustness here. It would change our mind: "
        "unchecked programs that help at another share of human ones.",
        repeats="F01", unmet=TOY,
    ),
    Claim(
        "F26", "Too much of them can bring collapse on.", article(26), "V", ("05", "11"),
        AllOf((NEWEST_HARMS, GPT_LOSES)),
        "Too much means nothing else. It would change our mind: no loss where all is synthetic.",
        exists=True, repeats="F05",
    ),
    Claim(
        "F27", "Feedback from running: a program, what running it says, a better program.",
        article(27), "V", ("11",), NotTestable("a definition"),
        "It would test it: nothing; lesson 11 builds it as it is described.",
    ),
    Claim(
        "F28", "It suits programming: write, be told, adjust.", article(28), "V", ("11",),
        AllOf(EXECUTION_MENDS),
        "It is sentence 10 again. It would change our mind: what changes that.",
        repeats="F10", unmet=TOY,
    ),
    Claim(
        "F29", "It refines a model and avoids collapse.", article(29), "V", ("11",),
        AllOf(
            (
                CHECKED_WIDENS,
                Sign("execution", "unit_tests.gain_distinct_right[4]", 0.02),
                Sign("execution_coverage",
                     "unit_tests.coverage_100[4] - start.coverage_100[0]", 0.02),
            )
        ),
        "Four generations: the horizon is short. It would change our mind: fewer different right "
        "programs after more generations, or with a hundred tries a task.",
        unmet=TOY,
    ),
)  # fmt: skip
