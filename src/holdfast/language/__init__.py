"""Language: models of text, classifiers and taggers.

Names are imported when they are first used: reading and checking files is done without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.language.classify.classifier import TextClassifier as TextClassifier
    from holdfast.language.classify.data import read_labelled_texts as read_labelled_texts
    from holdfast.language.classify.data import read_texts as read_texts
    from holdfast.language.classify.data import write_labels as write_labels
    from holdfast.language.language_model import LanguageModel as LanguageModel
    from holdfast.language.tag.sentences import Sentence as Sentence
    from holdfast.language.tag.sentences import SentenceColumns as SentenceColumns
    from holdfast.language.tag.sentences import check_tags as check_tags
    from holdfast.language.tag.sentences import read_sentences as read_sentences
    from holdfast.language.tag.sentences import write_sentences as write_sentences
    from holdfast.language.tag.tagger import Tagger as Tagger
    from holdfast.language.text_files import check_files as check_files
    from holdfast.language.text_files import read_all as read_all

__all__ = [
    "LanguageModel",
    "Sentence",
    "SentenceColumns",
    "Tagger",
    "TextClassifier",
    "check_files",
    "check_tags",
    "read_all",
    "read_labelled_texts",
    "read_sentences",
    "read_texts",
    "write_labels",
    "write_sentences",
]


def __getattr__(name: str) -> object:
    if name == "LanguageModel":
        from holdfast.language.language_model import LanguageModel

        return LanguageModel
    if name == "Tagger":
        from holdfast.language.tag.tagger import Tagger

        return Tagger
    if name == "TextClassifier":
        from holdfast.language.classify.classifier import TextClassifier

        return TextClassifier
    if name in ("read_labelled_texts", "read_texts", "write_labels"):
        from holdfast.language.classify import data

        return getattr(data, name)
    if name in ("Sentence", "SentenceColumns", "check_tags", "read_sentences", "write_sentences"):
        from holdfast.language.tag import sentences

        return getattr(sentences, name)
    if name in ("check_files", "read_all"):
        from holdfast.language import text_files

        return getattr(text_files, name)
    raise AttributeError(f"module 'holdfast.language' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
