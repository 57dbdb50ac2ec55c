"""What the parts of the generator of synthetic series are, in a few words each."""

from __future__ import annotations

from typing import Final

KINDS: Final = {
    "short": "years, quarters, months, weeks and days",
    "long": "hours and shorter steps",
}

FAMILIES: Final = {
    "structural": "levels and slopes that move, as behind ETS, Theta and drifting walks",
    "kinks": "kinked lines, level shifts, saturation, growth, polynomials",
    "autoregressive": "mean reversion, cycles that wander, long memory, ARIMA",
    "gaussian_process": "draws from random kernels: smooth, rough or cyclic",
    "chaotic": "logistic and Hénon maps, Lorenz and Mackey-Glass flows",
    "counts": "whole numbers around a moving rate, often mostly zeros",
    "steps": "levels held for a while, on and off, sawtooth queues",
}

PARTS: Final = {
    "seasonal": "has a season",
    "long_seasonal": "has the longer season of its pair too, as a week above a day",
    "dominant_season": "its season stands far above the noise",
    "season_drift": "size or shape of the season drift",
    "fractional_season": "the season is no whole number of points",
    "noise": "noise on top, where there is a season",
    "noise_alone": "noise on top, where there is none",
    "growth": "a steady drift on top",
    "heavy_tails": "noise with far outliers",
    "coloured_noise": "noise that remembers itself",
    "changing_variance": "noise in calm and wild spells",
    "spikes": "rare single outliers",
    "shocks": "rare events whose effect decays",
    "holidays": "rare cycles that are lower or flatter",
    "late_break": "one shift or bend, mostly late",
    "exponential": "its parts are multiplied instead of added",
    "clipping": "cannot rise above or fall below a bound",
    "rounding": "values on a grid",
    "flipping": "turned upside down",
    "reversal": "turned backwards",
    "resampling": "made at shorter steps, then averaged or picked",
    "mixing": "mixed with another series of the same season",
    "missing": "has gaps",
    "constant": "is constant",
}


def spoken(name: str) -> str:
    """The name of a family or a part as a person writes it.

    Example:
        >>> spoken("gaussian_process"), spoken("late_break")
        ('Gaussian process', 'late break')
    """
    return name.replace("_", " ").replace("gaussian", "Gaussian")


def percent(share: float) -> str:
    """A share as a percentage with as many digits as it needs.

    Example:
        >>> percent(0.5076), percent(0.0459), percent(0.0)
        ('51 %', '4.6 %', '0 %')
    """
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"
