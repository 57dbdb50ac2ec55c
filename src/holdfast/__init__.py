"""Holdfast: LSTM forecasting and sequence modelling that remembers.

Names are imported when they are first used, so that ``import holdfast`` costs nothing and a bad
file is refused before torch is loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.version import __version__ as __version__

if TYPE_CHECKING:
    from holdfast import export as export
    from holdfast import lens as lens
    from holdfast import nn as nn
    from holdfast import reports as reports
    from holdfast.forecasting.forecaster import Forecaster as Forecaster
    from holdfast.language.classify.classifier import TextClassifier as TextClassifier
    from holdfast.language.language_model import LanguageModel as LanguageModel
    from holdfast.language.tag.tagger import Tagger as Tagger

__all__ = [
    "Forecaster",
    "LanguageModel",
    "Tagger",
    "TextClassifier",
    "__version__",
    "export",
    "lens",
    "nn",
    "reports",
]


def __getattr__(name: str) -> object:
    # Written out one by one: a table of strings would hide the imports from every reader and tool.
    if name == "Forecaster":
        from holdfast.forecasting.forecaster import Forecaster

        return Forecaster
    if name == "LanguageModel":
        from holdfast.language.language_model import LanguageModel

        return LanguageModel
    if name == "Tagger":
        from holdfast.language.tag.tagger import Tagger

        return Tagger
    if name == "TextClassifier":
        from holdfast.language.classify.classifier import TextClassifier

        return TextClassifier
    if name == "export":
        import holdfast.export

        return holdfast.export
    if name == "lens":
        import holdfast.lens

        return holdfast.lens
    if name == "nn":
        import holdfast.nn

        return holdfast.nn
    if name == "reports":
        import holdfast.reports

        return holdfast.reports
    raise AttributeError(f"module 'holdfast' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
