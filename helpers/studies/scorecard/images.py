"""What papers say of images under the loop: digits and blobs of points."""

from __future__ import annotations

from helpers.studies.scorecard.laws import GERSTGRASSER, MAD, NATURE, THEIRS
from helpers.studies.scorecard.rules import AllOf, Bound, Claim, Null, Sign, Value

DIGITS, BLOBS = "a smaller network, fewer and simpler pictures", "blobs of points, not pictures"

IMAGES = (
    Claim(
        "P09", "A VAE's latent spread falls in five fits from .67-.70 to .43-.47.",
        f"{NATURE}, raw data", "C", ("04",),
        AllOf(
            tuple(
                Value("vae", f"mnist_replace.latent_sd[{g}]",
                      f"(paper.nature_vae_latent_sd_g{g}_low"
                      f" + paper.nature_vae_latent_sd_g{g}_high) / 2", THEIRS)
                for g in (0, 4)
            )
        ),
        "A smaller VAE, fewer digits. It would change our mind: their network here.",
        unmet=DIGITS,
    ),
    Claim(
        "P16", "A VAE: accumulating slows the loss and does not stop it.",
        f"{GERSTGRASSER}, Figs 5 and 6", "S", ("04",),
        AllOf(
            (
                Sign("vae", "(accumulate.elbo[8] - accumulate.elbo[0])"
                     " - (replace.elbo[8] - replace.elbo[0])", 1),
                Sign("vae", "accumulate.elbo[0] - accumulate.elbo[8]", 1),
                Sign("vae", "accumulate.elbo[6] - accumulate.elbo[8]", 0.2),
            )
        ),
        "The last part asks whether it goes on. Eight generations of small digits. It would change "
        "our mind: a longer run that comes to rest.",
        unmet=DIGITS,
    ),
    Claim(
        "P17", "Diffusion: the test loss is about constant under accumulate.",
        f"{GERSTGRASSER}, Fig. 4", "S", ("04",),
        Bound("diffusion", "accumulate.loss[8] / accumulate.loss[0] - 1", 0.05),
        "About constant is read as a twentieth; that is not zero. Blobs, not molecules. It would "
        "change our mind: a stricter reading.",
        unmet=BLOBS,
    ),
    Claim(
        "P27", "Without a bias in sampling, precision and recall both fall.",
        f"{MAD}, fully synthetic loop", "V", ("04",),
        AllOf(
            tuple(
                Sign("diffusion", f"replace.knn_{metric}[0] - replace.knn_{metric}[8]", 0.01)
                for metric in ("precision", "recall")
            )
        ),
        "Their yardsticks with their five neighbours, on blobs. It would change our mind: more "
        "seeds, or pictures.",
        unmet=BLOBS,
    ),
    Claim(
        "P28", "With a bias towards the likely, precision holds and recall falls faster.",
        f"{MAD}, sampling bias", "V", ("04",),
        AllOf(
            (
                Bound("diffusion", "replace_cool.knn_precision[0]"
                      " - replace_cool.knn_precision[8]", 0.01),
                Sign("diffusion", "replace.knn_recall[8] - replace_cool.knn_recall[8]", 0.01),
            )
        ),
        "One strength of the bias. It would change our mind: a bias that keeps both.",
        unmet=BLOBS,
    ),
    Claim(
        "P29", "New real data in each generation: the loop settles.",
        f"{MAD}, fresh data loop", "V", ("04",),
        Null("diffusion", "fresh10.knn_recall[8] - fresh10.knn_recall[4]", 0.05),
        "Settles is read as less than .05 in the last four of eight generations. It would change "
        "our mind: a drift in longer loops.",
        unmet=BLOBS,
    ),
    Claim(
        "P52", "The stronger the bias in sampling, the faster recall falls, and precision rises.",
        f"{MAD}, mixtures", "V", ("04",),
        AllOf(
            (
                Sign("mixture", "n200_l100.recall[8] - n200_l80.recall[8]", 0.05),
                Sign("mixture", "n200_l80.recall[8] - n200_l50.recall[8]", 0.05),
                Sign("mixture", "n200_l80.precision[8] - n200_l100.precision[8]", 0.01),
            )
        ),
        "Eight bells and a mixture that can fit them. Modes shrink, and nobody says that they are "
        "lost. It would change our mind: a bias that spares recall.",
        unmet=BLOBS,
    ),
)  # fmt: skip
