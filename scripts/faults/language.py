"""Faults of language: tokens, the carried state, the sampled softmax, chains, calibration."""

from __future__ import annotations

from faults.fault import Fault

TOKENS = "tests/language/test_tokens.py::"
FILES = "tests/language/test_text_files.py::"
MODEL = "tests/language/test_language_model.py::"
CARRIED = "tests/language/test_carried_state.py::"
SAMPLED = "tests/language/test_sampled.py::"
CHOICE = "tests/language/test_choice.py::"
TAGGING = "tests/language/test_tagging.py::"
BAG = "tests/language/test_bag_fit.py::"
PIECES = "tests/language/test_word_pieces.py::"
SENTENCES = "tests/language/test_sentence_files.py::"
TAGGER_PAGE = "tests/reports/test_tagger_page.py::"
CLASSIFYING = "tests/language/test_classifying.py::"

TEXT = "a text is read or learnt from as something else"
SENTENCE = "a tag or a label is not the likeliest, or surer than it is"

FAULTS: tuple[Fault, ...] = (
    Fault(
        TEXT,
        "a character that was never counted becomes another one",
        "language/tokens/tokens.py",
        "table = np.full(_LAST_CODE_POINT + 1, self.unknown, dtype=np.int64)",
        "table = np.full(_LAST_CODE_POINT + 1, 2, dtype=np.int64)",
        (TOKENS + "test_characters_that_were_never_counted_are_unknown",),
    ),
    Fault(
        TEXT,
        "the text that is scored is learnt from, too",
        "language/corpus.py",
        "return Corpus(tokens, whole[:cut], whole[cut:],",
        "return Corpus(tokens, whole, whole[cut:],",
        (FILES + "test_a_corpus_is_the_text_in_order_and_its_end_is_held_out",),
    ),
    Fault(
        TEXT,
        "scoring begins each window without a state",
        "language/evaluate.py",
        "            hidden, states = network(piece[:-1, None], states)\n"
        "            losses = network.losses(hidden, piece[1:, None])\n"
        "        yield",
        "            hidden, states = network(piece[:-1, None], None)\n"
        "            losses = network.losses(hidden, piece[1:, None])\n"
        "        yield",
        (MODEL + "test_windows_give_the_surprises_of_one_stream",),
    ),
    Fault(
        TEXT,
        "training begins each window without a state",
        "language/task.py",
        "        module.keep(after)\n",
        "",
        (CARRIED + "test_training_reads_on_from_the_state_in_which_a_window_ended",),
    ),
    Fault(
        TEXT,
        "a pass begins with the state of the end of the text",
        "language/task.py",
        "        if batch.first:\n",
        "        if False:\n",
        (CARRIED + "test_a_pass_begins_without_a_state",),
    ),
    Fault(
        TEXT,
        "a sampled softmax counts what it drew as all there is",
        "language/sampled.py",
        "torch.where(known[candidates], 0.0, -math.log(drawn))",
        "torch.where(known[candidates], 0.0, 0.0)",
        (SAMPLED + "test_the_estimated_sum_is_the_whole_one_on_average",),
    ),
    Fault(
        TEXT,
        "the rate is that of another width than the one asked for",
        "language/choose.py",
        "first, *wider = WIDTHS if wishes.hidden is None else (wishes.hidden,)",
        "first, *wider = WIDTHS",
        (CHOICE + "test_rates_and_shares_are_those_of_the_width_that_is_asked_for",),
    ),
    Fault(
        TEXT,
        "a training goes on with the sizes of another one",
        "language/fit.py",
        '        "wishes": wishes.to_json(),\n',
        "",
        (CHOICE + "test_a_training_with_other_wishes_begins_anew",),
    ),
    Fault(
        TEXT,
        "a quote in a table of words swallows the rows behind it",
        "language/tag/sentence_table.py",
        'for break_ in "\\n\\r\\t"',
        'for break_ in ""',
        (SENTENCES + "test_a_lone_quote_does_not_swallow_rows",),
    ),
    Fault(
        SENTENCE,
        "a chain's last tag scores nothing",
        "language/tag/crf.py",
        "        return total + last[final]\n",
        "        return total\n",
        (TAGGING + "test_a_chain_is_normalised_over_all_chains_and_finds_the_best",),
    ),
    Fault(
        SENTENCE,
        "a chain may begin inside a span",
        "language/tag/crf.py",
        "torch.where(allowed[-1, :-1], self.first, barred),",
        "self.first,",
        (TAGGING + "test_chains_that_break_spans_are_never_the_best",),
    ),
    Fault(
        SENTENCE,
        "the temperature goes the wrong way",
        "language/classify/calibration.py",
        "if _surprise(scores / np.exp(left), labels) < _surprise(",
        "if _surprise(scores / np.exp(left), labels) > _surprise(",
        (CLASSIFYING + "test_a_temperature_makes_too_sure_scores_honest",),
    ),
    Fault(
        SENTENCE,
        "the blend's share is given to the wrong part",
        "language/classify/calibration.py",
        "mixed = (1.0 - share) * networks + share * bag",
        "mixed = share * networks + (1.0 - share) * bag",
        (CLASSIFYING + "test_the_share_of_the_blend_is_that_of_the_better_part",),
    ),
    Fault(
        SENTENCE,
        "pieces reach beyond the end of a word",
        "language/word_pieces.py",
        "inside = begins + length <= lengths + 2",
        "inside = begins + length <= lengths + 3",
        (PIECES + "test_a_word_has_a_piece_for_every_three_and_four_letters_in_a_row",),
    ),
    Fault(
        SENTENCE,
        "the gradient of the log-linear model leaves out the penalty",
        "language/classify/bag.py",
        "slope = ratio * (found.T @ wrong) + inner / strength",
        "slope = ratio * (found.T @ wrong)",
        (CLASSIFYING + "test_the_bag_has_the_weights_that_scikit_learn_finds",),
    ),
    Fault(
        SENTENCE,
        "a log-linear model reads all texts, however little time there is",
        "language/classify/bag_fit.py",
        "rows = _spread(len(texts), self.most)",
        "rows = _spread(len(texts), len(texts))",
        (BAG + "test_with_little_time_fewer_texts_are_read_and_nothing_is_tried",),
    ),
    Fault(
        SENTENCE,
        "a true tag is taken for the one that was given",
        "language/tag/tagger_record.py",
        "found.setdefault((one, other), Counter())[word] += 1",
        "found.setdefault((other, one), Counter())[word] += 1",
        (TAGGER_PAGE + "test_a_record_counts_the_tags_that_were_taken_for_others",),
    ),
)
