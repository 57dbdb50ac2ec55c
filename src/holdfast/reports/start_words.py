"""Whether a start from a language model helped, in words."""

from __future__ import annotations

from holdfast.records import WarmStartComparison


def start_words(start: WarmStartComparison) -> str:
    """Whether it helped to start from a language model, in a sentence.

    Example:
        >>> start_words(WarmStartComparison(0.82, 0.8, 0.02, 0.015))
        'Starting from the language model: no clear difference. One network with it is right on \
82.00%, one without on 80.00% (difference +2.00%, standard error 1.50%).'
    """
    return (
        f"Starting from the language model: {start.verdict}. One network with it is right on "
        f"{start.warm:.2%}, one without on {start.scratch:.2%} (difference "
        f"{start.difference:+.2%}, standard error {start.error:.2%})."
    )
