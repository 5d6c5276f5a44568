"""What papers prove or measure of small models: bells, counting, regression, kernel densities.

Tolerances were set before any row was computed: a tenth for a law, a fifth for what was read off
another team's runs or plots, which have chance of their own.
"""

from __future__ import annotations

from helpers.studies.scorecard.rules import AllOf, Bound, Claim, NotTestable, Null, Sign, Value

LAW, THEIRS = 0.1, 0.2
NATURE = "Shumailov et al., Nature 631:755-759"
GERSTGRASSER, KAZDAN = "Gerstgrasser et al., 2404.01413", "Kazdan et al., 2410.16713"
MAD = "Alemohammad et al., 2307.01850"
ONE_FIT = "theory.regression_error_replace(d=10, n={}, t=1)"

LAWS = (
    Claim(
        "P01", "A bell, refitted without bias to its own samples: its variance goes to 0.",
        f"{NATURE}, Theorem 3.1", "V", ("02",),
        Value("gaussian", "log(unbiased_n10.variance[99])",
              "log(theory.gaussian_geometric_variance_replace(n=10, t=100, ddof=1))", LAW),
        "The mean of the logarithm: the mean of the variance stays 1, held by runs that nobody "
        "sees. It would change our mind: typical runs that do not fall.",
    ),
    Claim(
        "P02", "Its squared distance to the truth grows by 1.5 over n with each fit.",
        f"{NATURE}, supplement, equation 6", "S", ("02",),
        Value("gaussian", "unbiased_n100.mean_error[9] + (sqrt(unbiased_n100.variance[9]) - 1)**2",
              "paper.nature_wasserstein_first_order * 10 / 100", THEIRS),
        "A first approximation, for few fits. It would change our mind: more seeds, whose whole "
        "interval lies elsewhere.",
    ),
    Claim(
        "P03", "Counting and drawing again ends in one outcome, always.",
        f"{NATURE}, discrete chains", "V", ("00", "03"),
        Value("discrete", "zipf_replace.heterozygosity[50] / zipf_replace.heterozygosity[0]",
              "(1 - 1 / 2000)**50", LAW),
        "The chance that two draws differ falls by 1 - 1/n a generation, so that it ends at 0; the "
        "end itself lies beyond the table. It would change our mind: a run that stands still.",
    ),
    Claim(
        "P11", "Regression, replace: the error grows in proportion to the fits.",
        f"{GERSTGRASSER}, Theorem 1", "S", ("06",),
        AllOf(
            tuple(
                Value("regression", f"replace_t100.error[{t - 1}] / {ONE_FIT.format(100)}",
                      f"{t}", LAW)
                for t in (5, 20, 40)
            )
        ),
        "A well-specified model and the same inputs in each generation. It would change our mind: "
        "growth that bends.",
    ),
    Claim(
        "P12", "Regression, accumulate: never above 1.645 times the error of one fit.",
        f"{GERSTGRASSER}, Theorem 2", "S", ("06",),
        Bound("regression", "accumulate_t100.error[39] / "
              f"({ONE_FIT.format(100)} * paper.gerstgrasser_accumulate_cap)", 1),
        "Forty fits of a model that has the right form. It would change our mind: a later fit "
        "above the cap.",
    ),
    Claim(
        "P18", "Maximum likelihood, n = 100, a hundred fits: half of the runs are below .141.",
        f"{KAZDAN}, raw data", "C", ("02",),
        Value("gaussian", "mle_n100.variance[99]",
              "paper.kazdan_gaussian_replace_n100_median_variance", THEIRS, median=True),
        "Their median is one draw of a hundred runs, ours another. It would change our mind: "
        "more runs on both sides.",
    ),
    Claim(
        "P19", "Accumulate keeps most of the variance of a bell: .866 and .990.",
        f"{KAZDAN}, raw data", "C", ("06",),
        AllOf(
            tuple(
                Value("gaussian", f"accumulate_n{n}.variance[99]",
                      f"paper.kazdan_gaussian_accumulate_n{n}_variance", THEIRS)
                for n in (10, 100)
            )
        ),
        "One dimension, a hundred fits. It would change our mind: another dimension.",
    ),
    Claim(
        "P20", "A sample of fixed size from all there is: the error levels off, 2.9 to 4.8 times.",
        f"{KAZDAN}, plot", "C", ("06",),
        AllOf(
            tuple(
                Value("regression", f"subsample_t{n}.error[39] / {ONE_FIT.format(n)}",
                      f"paper.kazdan_subsample_plateau_t{n}", THEIRS)
                for n in (32, 100, 1000)
            )
        ),
        "Read off a plot, and still rising a little at forty fits. It would change our mind: a "
        "longer run that leaves the level.",
    ),
    Claim(
        "P22", "The error stays bounded under accumulate in every setting that was tried.",
        f"{KAZDAN}, kernel densities", "S", ("06",),
        AllOf(
            (
                Bound("kde", "one_accumulate_h500.variance[49] / "
                      "one_accumulate_h500.variance[19]", 1.05),
                Bound("definitions", "one_accumulate_h500.surprise[49]"
                      " - one_accumulate_h500.surprise[19]", 0.01),
            )
        ),
        "The first part is the spread, the second the surprise at real points, which is theirs. "
        "Growth like a logarithm has no bound and looks flat. It would change our mind: their "
        "data, for more generations.",
        unmet="other data, and a bandwidth that nobody tunes",
    ),
    Claim(
        "P23", "Kernel density, replace: the variance becomes (1 - 1/n)(v + h**2), an explosion.",
        "derived here, after " + KAZDAN, "D", ("06",),
        AllOf(
            tuple(
                Value("kde", f"one_replace_h{h}.variance[49]",
                      f"theory.kde_variance_replace(n=100, t=50, bandwidth={h / 1000})", LAW)
                for h in (200, 500)
            )
        ),
        "One hump, one coordinate. It would change our mind: nothing but a mistake in the law.",
    ),
    Claim(
        "P24", "Ten outcomes, replace: one is left after 17 and 204 fits on average.",
        f"{KAZDAN}, plot", "C", ("03",),
        AllOf(
            tuple(
                Value("discrete", f"most(absorb_n{n}.fits_to_one[:])",
                      f"paper.kazdan_absorption_n{n}", THEIRS)
                for n in (10, 100)
            )
        ),
        "Read off a plot. It would change our mind: their raw counts.",
    ),
    Claim(
        "P25", "The number of words that survive is never below a sum over their shares.",
        "Suresh et al., 2412.17646, Corollary 1, their notebook", "C", ("03",),
        AllOf(
            tuple(
                Bound("discrete", f"theory.expected_unique(zipf(1000), n=2000, t={g + 1})"
                      f" / zipf_replace.support[{g}]", 1.02)
                for g in (0, 10, 50)
            )
        ),
        "The bound is close, so that two parts in a hundred are left to chance. It would change "
        "our mind: any setting below it.",
    ),
    Claim(
        "P26", "How many real rows there are explains more than their share.",
        f"{KAZDAN}, section 4", "S", ("07",),
        AllOf(
            (
                Sign("real_rows", "mean(floor_n1000_m10.variance[:])"
                     " - mean(floor_n100_m1.variance[:])", 0.1),
                Null("real_rows", "mean(floor_n1000_m1.variance[:])"
                     " - mean(floor_n100_m1.variance[:])", 0.03),
                Null("real_rows", "mean(floor_n3000_m10.variance[:])"
                     " - mean(floor_n100_m10.variance[:])", 0.03),
            )
        ),
        "The first part holds the share, the others the number. A bell; theirs is a language "
        "model. It would change our mind: a task in which the share decides.",
    ),
    Claim(
        "P30", "One synthetic row in a hundred sets a floor that more rows do not lower.",
        "Dohmatob et al., 2410.04840, Corollary 1", "S", ("07",),
        AllOf(
            (
                Sign("mixed_rows", "r100000_c100.error_1200[0] - 1", 0.01),
                Sign("mixed_rows", "r100000_c20.error_1200[0] - 1", 0.01),
                Value("mixed_rows", "r100000_c100.error_1200[0] * r100000_c100.alone[0]",
                      "theory.strong_collapse_error(d=10, n=100600, sigma=1.0,"
                      " synthetic_share=600 / 100600, shift=0.1)", LAW),
            )
        ),
        "Less than one in a hundred, and a thousand times fewer rows than the floor alone would "
        "need. With the best weights no harm is left. It would change our mind: weights that "
        "nobody has to know.",
    ),
    Claim(
        "P34", "New real beside newest synthetic rows, as many: the best weight is golden.",
        "He, Xu and Cheng, 2502.18049, abstract", "A", ("07",),
        Value("", "live.best_weight(n=100)", "theory.golden_ratio_weight()", LAW),
        "The curve is flat near its lowest point, and the case is a mean. It would change our "
        "mind: another number for other families.",
    ),
    Claim(
        "P35", "A tail that is cut changes how an error falls with the rows, and then stops it.",
        "Dohmatob et al., 2402.07043, Theorem 2.1", "S", ("03",),
        AllOf(
            (
                Value("tails", "log(memory_n100000.error[0] / memory_n1000.error[0]) / log(100)",
                      "-(1.5 - 1) / 1.5", LAW),
                Bound("tails", "1 - clean_0.error[6] / clean_0.error[5]", 0.05),
            )
        ),
        "A learner by heart, shares that fall as a power. It would change our mind: a learner "
        "that generalises and keeps its slope.",
    ),
    Claim(
        "P45", "Five times as many words for each parameter: the text runs out a year earlier.",
        "Villalobos et al., 2211.04325v2", "V", ("01",),
        Value("", "theory.years_bought(factor=sqrt(5), growth=paper.villalobos_growth_factor)",
              "1", THEIRS),
        "At equal compute, five times the words for each parameter are the root of five times the "
        "words. Their growth, taken as given. It would change our mind: growth that slows.",
    ),
    Claim(
        "P46", "A twentieth of all tokens closed, and over a quarter of the best kept sources.",
        "Longpre et al., 2407.14933v2, abstract", "V", ("01",),
        NotTestable("a count of the web"),
        "Lesson 01 turns the two into one share, which needs both to count tokens. It would test "
        "it: the robots files, read again.",
    ),
    Claim(
        "P47", "There are families that break in generation 2 with all real rows kept.",
        "Barzilai and Shamir, 2505.19046, Theorem 5.1", "V", ("06",),
        Sign("counterexample", "accumulate.error[2] - accumulate.error[0]", 0.1),
        "Nobody has built their family here. It would change our mind: a construction that runs "
        "and does not break.",
        exists=True,
    ),
    Claim(
        "P48", "No noise and more inputs than rows: the error is 1 - (rows/inputs)**fits.",
        "Dohmatob et al., 2402.07712; the form is derived here", "D", ("06",),
        AllOf(
            tuple(
                Value("", f"live.overparametrised(inputs=50, rows=40, rounds={t})",
                      f"theory.overparametrised_error_replace(d=50, n=40, t={t})", LAW)
                for t in (1, 3, 6)
            )
        ),
        "New inputs in each generation; with the same ones nothing happens after the first. It "
        "would change our mind: nothing but a mistake in the law.",
    ),
    Claim(
        "P49", "The spread of a bell shrinks by the same factor at each fit.",
        "Bertrand et al., 2310.00429, Gaussian lemma", "C", ("02",),
        Value("gaussian", "sqrt(unbiased_n10.variance[19])",
              "theory.gaussian_sd_replace(n=10, t=20, ddof=1)", THEIRS),
        "The mean of the spread; the typical run falls faster. It would change our mind: more "
        "seeds, whose whole interval lies elsewhere.",
    ),
    Claim(
        "P50", "Adding costs the same factor, pi**2/6, in every regular family.",
        "Dey and Donoho, 2410.22812, abstract", "A", ("06",),
        AllOf(
            (
                Value("gaussian", "accumulate_n100.mean_error[99] * 100",
                      "paper.gerstgrasser_accumulate_cap", THEIRS),
                Value("regression", f"accumulate_t1000.error[39] / {ONE_FIT.format(1000)}",
                      "paper.gerstgrasser_accumulate_cap", THEIRS),
            )
        ),
        "A bell's mean and a regression are two of many families. It would change our mind: a "
        "regular family with another factor.",
    ),
    Claim(
        "P51", "A little synthetic data help who has few real rows, and harm who has many.",
        f"{KAZDAN}, Fig. 5", "S", ("07",),
        AllOf(
            (
                Sign("bigram_rate", "g5_s100.gain[12]", 0.02),
                Sign("bigram_rate", "-g5_s400.gain[400]", 0.02),
                Sign("gpt_rate", "t400_g5_s400.gain_excess[100]", 0.03),
                Sign("gpt_rate", "-t400_g5_s400.gain_excess[400]", 0.03),
            )
        ),
        "A bigram and a small GPT; theirs is Gemma 2 and turns at about a thousand rows. It would "
        "change our mind: a file that harms the poor or helps the rich.",
        unmet="a bigram and a small GPT",
    ),
)  # fmt: skip
