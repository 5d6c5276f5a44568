"""What papers say of checks: execution, judges, filters, and what a model learns from its own."""

from __future__ import annotations

from helpers.studies.scorecard.article import (
    CHECKED_HELPS,
    EXECUTION_MENDS,
    NEWEST_HARMS,
    TOY,
)
from helpers.studies.scorecard.language import STORIES
from helpers.studies.scorecard.laws import LAW
from helpers.studies.scorecard.rules import AllOf, Bound, Claim, NotTestable, Sign, Value

LLAMA = "Llama 3 herd of models, 2407.21783"
REVIEWS = "When AI Reviews Its Own Code, 2606.28438, abstract"
FENG, YI = "Feng et al., 2406.07515", "Yi et al., 2510.16657"
MENDED_MORE = "mean(execution.repair_more.mended[1:4]) - mean(repair_more_blank.mended[1:4])"

CHECKS = (
    Claim(
        "P31", "Checked data teach the truth while fewer are wrong than 1/(1 + psi/phi).",
        f"{FENG}, Theorem 4.2", "S", ("09",),
        AllOf(
            tuple(
                Sign("noisy_verifier", f"{sign}(edge_{judge}_n1000000.accuracy[{at}] - 0.5)",
                     0.01)
                for judge, below, above in (
                    ("blind", 490, 510), ("usual", 740, 760), ("sharp", 923, 943)
                )
                for sign, at in (("", below), ("-", above))
            )
        ),
        "A million rows and two answers. With few rows there is no cliff. It would change our "
        "mind: a crossing farther than .01 from the law.",
    ),
    Claim(
        "P32", "A loop with a judge goes to the judge's centre, not to the truth.",
        f"{YI}, main theorem", "S", ("09",),
        AllOf(
            (
                Sign("verified_loop", "centre_r20_m4.distance[0] - centre_r20_m4.distance[30]",
                     0.02),
                Sign("verified_loop", "centre_r20_m100.distance[30] - centre_r20_m100.distance[0]",
                     0.02),
                Bound("verified_loop", "centre_r20_m4.to_judge[30]", 0.02),
                Bound("verified_loop", "centre_r20_m100.to_judge[30]", 0.02),
            )
        ),
        "A mean in one dimension: who had few rows ends nearer to the truth, who had many "
        "farther. It would change our mind: a centre that follows the model.",
    ),
    Claim(
        "P33", "Judges: wrong passes that repeat harm more than wrong rejections that repeat.",
        "Egashira et al., 2605.02909, abstract", "A", ("09", "13"),
        AllOf(
            tuple(
                Sign("verified_loop", f"fate_refuses_{way}.right[20]"
                     f" - fate_plausible_{way}.right[20]", 0.02)
                for way in ("keeps", "forgets")
            )
        ),
        "Each judge errs in a fifth of its first verdicts. Two ways to treat a question of which "
        "nothing is kept. It would change our mind: one of the two with the other sign.",
    ),
    Claim(
        "P65", "Judges: random errors only delay.",
        "Egashira et al., 2605.02909, abstract", "A", ("09",),
        AllOf(
            tuple(
                Bound("verified_loop", f"1 - fate_{kind}_{way}.right[20]", 0.05)
                for kind in ("rejects", "passes")
                for way in ("keeps", "forgets")
            )
        ),
        "Many draws a question. It would change our mind: few draws, where the right answer dies "
        "out first.",
    ),
    Claim(
        "P66", "A filter that passes only what is right can make a model worse.",
        f"{LLAMA}, section 4.3.1: the first filter lowered the benchmarks", "V", ("09",),
        AllOf(
            (
                Sign("judged_stories", "judge.excess[5] - gpt_steps.replace_best.excess[5]", 0.03),
                Sign("judged_stories",
                     "gpt_steps.replace_best.recall_tail[5] - judge.recall_tail[5]", 0.03),
            )
        ),
        "A judge that is never wrong, replace; with old rows kept it may differ. It would change "
        "our mind: a filter that weighs what it drops.",
        exists=True, unmet=STORIES,
    ),
    Claim(
        "P36", "A model's own unchecked data do not help it and can harm it.",
        f"{LLAMA}, section 4.3.1, of 405 billion parameters", "V", ("11", "12"),
        AllOf((Bound("execution", "unchecked.gain_pass_1[4]", 0.02), NEWEST_HARMS)),
        "Toy size. A quarter human programs in the first part, none in the second. It would "
        "change our mind: a start at which they help.",
        repeats="F11b", unmet=TOY,
    ),
    Claim(
        "P37", "About a fifth of the programs are wrong at first and then corrected.",
        f"{LLAMA}, section 4.3.1", "V", ("11",), NotTestable("a share of another whole"),
        "Theirs is a share of all programs, ours of the failed ones. It would test it: their "
        "count by tries.",
    ),
    Claim(
        "P38", "Running programs is a source of truth that helps.",
        f"{LLAMA}, section 4.3.1", "V", ("11",), CHECKED_HELPS,
        "It is sentence 1 of the news article again. It would change our mind: what changes that.",
        repeats="F01",
    ),
    Claim(
        "P39", "It is the message that helps a model to mend a program.",
        f"{LLAMA}, section 4.3.1, implied", "D", ("11",),
        AllOf(
            (
                Sign("execution", "repair.pass_1[4] - repair_blank.pass_1[4]", 0.02),
                EXECUTION_MENDS[2],
                Sign("execution_controls", MENDED_MORE, 0.02),
            )
        ),
        "Ability at the end, programs mended in all generations, and the same with more examples "
        "of mending. It would change our mind: a larger model, which reads.",
        unmet="a small model that sees few messages",
    ),
    Claim(
        "P40", "Before it is trained for it, feedback does not beat another try.",
        "Gehring et al., RLEF, 2410.02089", "V", ("11",),
        Bound("execution", "repair.pass_1[4] - repair_resample.pass_1[4]", 0.02),
        "An equal number of tries. It would change our mind: more turns.",
        unmet=TOY,
    ),
    Claim(
        "P41", "A model that reviews itself: more is accepted, less is right.",
        REVIEWS, "A", ("11",),
        AllOf(
            (
                Sign("execution", "own_tests.accepted[4] - own_tests.accepted[0]", 0.01),
                Sign("execution", "own_tests.false_pass[4] - own_tests.false_pass[0]", 0.01),
                Sign("execution", "-own_tests.gain_pass_1[4]", 0.01),
            )
        ),
        "Own tests here, own reviews there; four generations. It would change our mind: twelve "
        "generations, which the next row asks for.",
        unmet=TOY,
    ),
    Claim(
        "P67", "A model's own rewards rise, then fall.", "2603.08660", "V", ("11",),
        AllOf(
            (
                Sign("execution_coverage",
                     "mean(own_tests.accepted[5:8]) - own_tests.accepted[0]", 0.02),
                Sign("execution_coverage",
                     "mean(own_tests.accepted[5:8]) - mean(own_tests.accepted[9:12])", 0.02),
                Sign("execution_coverage", "own_tests.pass_1[4] - own_tests.pass_1[12]", 0.02),
            )
        ),
        "Twelve generations of own tests, no reinforcement. It would change our mind: a longer "
        "loop.",
        unmet=TOY,
    ),
    Claim(
        "P42", "Static checks slow the collapse.", REVIEWS, "A", ("11",),
        Sign("execution", "static.pass_1[4] - unchecked.pass_1[4]", 0.02),
        "A quarter human programs in both arms, so that there is little to slow. It would change "
        "our mind: the same without human programs.",
        unmet="human programs in every generation",
    ),
    Claim(
        "P43", "Training on checked answers narrows: at many tries the start wins.",
        "Yue et al., 2504.13837, abstract", "A", ("11",),
        Sign("execution_coverage", "start.coverage_100[0] - unit_tests.coverage_100[4]", 0.02),
        "A hundred tries here, 256 there. It would change our mind: reinforcement, or more "
        "generations.",
        unmet="no reinforcement, a hundred tries",
    ),
    Claim(
        "P68", "Random verdicts can improve a model, too.",
        "Spurious Rewards, 2506.10947", "V", ("11",),
        Sign("execution_controls", "random_overall.pass_1[4] - start.pass_1[0]", 0.02),
        "As many programs as the tests let through, chosen at random. Theirs is one family of "
        "models, which they say. It would change our mind: other starts.",
        exists=True, unmet="no reinforcement, another family of models",
    ),
    Claim(
        "P69", "A filter by the task keeps a loop going, a random filter does not.",
        "2605.23054, abstract", "A", ("11",),
        AllOf(
            (
                Sign("execution_controls", "execution.unit_tests.pass_1[4] - start.pass_1[0]",
                     0.02),
                Sign("execution_controls",
                     "execution.unit_tests.pass_1[4] - random_overall.pass_1[4]", 0.02),
                Bound("execution_controls", "random_overall.pass_1[4] - start.pass_1[0]", 0.02),
            )
        ),
        "Tests that see the true answers. It would change our mind: a random choice that gains.",
        unmet=TOY,
    ),
    Claim(
        "P70", "Within one task, which of its programs are kept matters.",
        "2506.10947 and 2605.23054, what both leave open", "D", ("11",),
        Sign("execution_controls", "execution.unit_tests.pass_1[4] - random_in_task.pass_1[4]",
             0.02),
        "The random arm keeps as many programs of the same tasks. It would change our mind: a "
        "choice of tasks alone that does as well.",
    ),
    Claim(
        "P71", "A larger model's data help a small one.", f"{LLAMA}, section 4.3.1", "V", ("12",),
        Sign("size", "small_other_unchecked.pass_1[3] - small_own_unchecked.pass_1[3]", 0.02),
        "One toy language, twelve times the size. It would change our mind: a twin that helps as "
        "much.",
        unmet=TOY,
    ),
    Claim(
        "P72", "Data of another model can add what a model lacks.",
        "Yue et al., 2504.13837, abstract: distillation", "A", ("12",),
        Sign("size", "small_twin_unchecked.pass_40[3] - small_own_unchecked.pass_40[3]", 0.02),
        "A twin of the same size, so that it is not the size. It would change our mind: a hotter "
        "sampler that gives as much.",
        unmet=TOY,
    ),
    Claim(
        "P73", "What a model gains by checking itself grows with its size.",
        "Mind the Gap, 2412.02674", "V", ("12",),
        Sign("size", "(big_own_checked.pass_1[3] - big_start.pass_1[0])"
             " - (small_own_checked.pass_1[3] - small_start.pass_1[0])", 0.02),
        "Tests check here, models there. It would change our mind: more than three sizes.",
        unmet="tests check, not the model",
    ),
    Claim(
        "P74", "Filtering makes surer and narrower.",
        "Yue et al., 2504.13837, abstract", "A", ("12",),
        AllOf(
            (
                Sign("size", "small_other_checked.pass_1[3] - small_other_unchecked.pass_1[3]",
                     0.02),
                Sign("size", "small_other_unchecked.pass_40[3] - small_other_checked.pass_40[3]",
                     0.02),
            )
        ),
        "One filter, one teacher. It would change our mind: a filter that is also wider.",
        unmet=TOY,
    ),
    Claim(
        "P75", "Programs that pass every recorded test can be wrong.",
        "Reward suites that leak, 2607.11022", "S", ("10",),
        Sign("tests_of_tests", "summary.always_other", 5),
        "Problems of which, in every draw, a changed solution passes and answers otherwise. It "
        "would change our mind: tests that find all changes.",
        exists=True,
    ),
    Claim(
        "P56", "Keeping the more surprising half of the text softens collapse.",
        "Gambetta et al., 2410.12341, abstract", "A", ("05", "09"),
        AllOf(
            (
                Sign("surprise_filter", "random.excess[4] - surprising.excess[4]", 0.03),
                Sign("surprise_filter", "surprising.recall_tail[4] - random.recall_tail[4]", 0.03),
            )
        ),
        "The control keeps a random half. It would change our mind: a surprising half that is no "
        "longer half noise.",
        unmet=STORIES,
    ),
    Claim(
        "P57", "A filter by the model's own confidence prevents collapse, all data synthetic.",
        "Self-Verification Provably Prevents Model Collapse, NeurIPS 2025", "V", ("09",),
        Sign("surprise_filter", "random.excess[4] - predictable.excess[4]", 0.03),
        "The predictable half stands for the confident one. It would change our mind: a confidence "
        "that is calibrated anew in each generation.",
        unmet=STORIES,
    ),
    Claim(
        "P76", "With enough compute the best filter is none.",
        "The Bitter Lesson for Data Filtering, 2605.19407", "V", ("09",),
        NotTestable("it speaks of budgets far beyond a course"),
        "It would test it: the studies of lesson 09 at budgets that grow a hundredfold.",
    ),
    Claim(
        "P77", "Training on what passes rivals reinforcement.", "RAFT, 2504.11343", "V", ("11",),
        NotTestable("no reinforcement here"),
        "It is why lesson 11 may stand for both. It would test it: the same tasks, with a policy "
        "gradient.",
    ),
    Claim(
        "P78", "A strict judge does worse than none when little is left.",
        f"derived here, after {FENG}", "D", ("09",),
        AllOf(
            (
                Sign("noisy_verifier",
                     "clean_none_n400.average[400] - clean_strict_n400.average[400]", 0.02),
                Sign("noisy_verifier",
                     "clean_strict_n400.average[400] - clean_random_n400.average[400]", 0.02),
            )
        ),
        "A classifier by averages, 400 rows. The second part keeps as many rows without looking. "
        "It would change our mind: a learner or a size at which strict wins.",
    ),
    Claim(
        "P79", "The best of many, by a judge: better with more tries, until its flaws are found.",
        "derived here, after self-play against a judge, 2607.05904", "D", ("09",),
        AllOf(
            tuple(
                Sign("noisy_verifier", f"{sign}(best_{law}.quality[1000] - best_{law}.quality[30])",
                     0.02)
                for law, sign in (("normal", ""), ("heavy", "-"), ("loophole", "-"))
            )
        ),
        "Three laws of errors, all as closely tied to quality. It would change our mind: a judge "
        "whose errors have no tail.",
    ),
    Claim(
        "P80", "What passes the judge's test is worth (right - wrong)**2 over all that is kept.",
        "derived here", "D", ("09",),
        AllOf(
            tuple(
                Value("noisy_verifier", f"clean_{judge}_n2000.average[2000]"
                      f" / clean_{judge}_n2000.clean[2000]", "1", LAW)
                for judge in ("none", "sloppy", "strict", "random")
            )
        ),
        "Exact for averages only. It would change our mind: nothing but a mistake in the law.",
    ),
)  # fmt: skip
