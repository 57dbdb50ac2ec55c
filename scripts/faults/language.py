"""Faults of language: tokens, the carried state, the softmax, chains of tags, calibration."""

from __future__ import annotations

from typing import Any

import numpy as np

from faults.fault import Fault, changed, reads, returns

TOKENS = "tests/language/test_tokens.py::"
CARRIED = "tests/language/test_carried_state.py::"
FILES = "tests/language/test_text_files.py::"
MODEL = "tests/language/test_language_model.py::"
SAMPLED = "tests/language/test_sampled_softmax.py::"
TAGGING = "tests/language/test_tagging.py::"
CLASSIFYING = "tests/language/test_classifying.py::"

TEXT = "a text is read or learnt from as something else"
LABEL = "a tag or a label is not the likeliest, or surer than it is"


def held_out_text_is_learnt(found: Any, _: Any) -> Any:
    """The text that scores a model is what it learns from."""
    return changed(found, training=found.validation)


def unknown_is_a_letter(found: Any, given: Any) -> Any:
    """What the vocabulary does not have is its first character."""
    return np.where(found == given.self.unknown, found.max(), found)


def sampled_sum_is_the_whole(_: Any, given: Any) -> Any:
    """The sum over what was drawn is taken for that over the vocabulary."""
    from torch.nn.functional import cross_entropy

    kept = max(int(given.targets.max()) + 1, given.count // 2)
    logits = given.states @ given.weight[:kept].T + given.bias[:kept]
    return cross_entropy(logits, given.targets, reduction="none")


FAULTS: tuple[Fault, ...] = (
    Fault(
        TEXT, "a character that was never counted becomes another one",
        "holdfast.language.tokenizer:Tokenizer.encode", returns(unknown_is_a_letter),
        (TOKENS + "test_characters_that_were_never_counted_are_unknown",),
    ),
    Fault(
        TEXT, "the text that is scored is learnt from",
        "holdfast.language.corpus:prepare", returns(held_out_text_is_learnt),
        (FILES + "test_a_corpus_is_the_text_in_order_and_its_end_is_held_out",),
    ),
    Fault(
        TEXT, "the network forgets at the end of a window",
        "holdfast.language.network:LanguageNetwork.forward", reads(states=lambda *_: None),
        (MODEL + "test_windows_give_the_surprises_of_one_stream",
         CARRIED + "test_training_reads_on_from_the_state_in_which_a_window_ended"),
    ),
    Fault(
        TEXT, "a sampled softmax takes what it drew for all there is",
        "holdfast.language.network:sampled_losses", returns(sampled_sum_is_the_whole),
        (SAMPLED + "test_the_estimated_sum_is_the_whole_one_on_average",),
    ),
    Fault(
        LABEL, "a chain of tags scores nothing for its first tag",
        "holdfast.language.tag.network:Chain._scores",
        returns(lambda found, _: (found[0] * 0, *found[1:])),
        (TAGGING + "test_a_chain_is_normalised_over_all_chains_and_finds_the_best",),
    ),
    Fault(
        LABEL, "a tag moves to the next as the next would to it",
        "holdfast.language.tag.network:Chain._scores",
        returns(lambda found, _: (found[0], found[1].T, found[2])),
        (TAGGING + "test_a_chain_is_normalised_over_all_chains_and_finds_the_best",),
    ),
    Fault(
        LABEL, "the temperature goes the wrong way",
        "holdfast.language.classify.scores:temperature", returns(lambda found, _: 1 / found),
        (CLASSIFYING + "test_a_temperature_makes_too_sure_scores_honest",),
    ),
    Fault(
        LABEL, "the log-linear model has another penalty than it is given",
        "holdfast.language.classify.log_linear:LogLinear.fitted",
        lambda fitted: lambda cls, texts, labels, weights, strength, *rest: fitted(
            cls, texts, labels, weights, 10 * strength, *rest
        ),
        (CLASSIFYING + "test_the_log_linear_model_has_the_weights_that_scikit_learn_finds",),
    ),
)  # fmt: skip
