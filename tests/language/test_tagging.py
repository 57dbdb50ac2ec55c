from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.errors import ArgumentError, ModelError, TextError
from holdfast.language.tag.network import Chain
from holdfast.language.tag.scores import allowed_moves, broken_span, spans, tag_scores
from holdfast.language.tag.sentences import Sentence, check_tags, read_sentences
from holdfast.language.tag.tagger import Tagger

NAMES = ("Ada", "Grace", "Alan", "Kurt")
VERBS = ("sleeps", "writes", "runs")


def people(count: int = 60) -> list[Sentence]:
    """Sentences in which names of one or two words are spans."""
    random = np.random.default_rng(0)
    made = []
    for _ in range(count):
        first, last = random.choice(NAMES, 2)
        verb = str(random.choice(VERBS))
        if random.random() < 0.5:
            made.append(Sentence((str(first), verb), ("B-PER", "O")))
        else:
            made.append(Sentence((str(first), str(last), verb), ("B-PER", "I-PER", "O")))
    return made


def chain(tags: int, *, allowed: torch.Tensor | None = None) -> Chain:
    torch.manual_seed(0)
    made = Chain(tags, allowed).double()
    for weight in made.parameters():
        torch.nn.init.normal_(weight)
    return made


def by_hand(made: Chain, emissions: torch.Tensor, tags: tuple[int, ...]) -> float:
    score = made.first[tags[0]] + made.last[tags[-1]]
    for step, tag in enumerate(tags):
        score = score + emissions[step, tag]
        if step:
            score = score + made.transition[tags[step - 1], tag]
    return float(score.detach())


@pytest.mark.parametrize("length", [1, 2, 4])
def test_a_chain_is_normalised_over_all_chains_and_finds_the_best(length: int) -> None:
    made = chain(3)
    torch.manual_seed(length)
    emissions = torch.randn(5, 2, 3, dtype=torch.float64)  # longer than either sentence
    lengths = torch.tensor([length, 1])
    every = list(itertools.product(range(3), repeat=length))
    scores = [by_hand(made, emissions[:, 0], tags) for tags in every]
    total = float(torch.logsumexp(torch.tensor(scores, dtype=torch.float64), 0))
    for tags, score in zip(every, scores, strict=True):
        padded = torch.zeros(5, 2, dtype=torch.long)
        padded[:length, 0] = torch.tensor(tags)
        loss = made.losses(emissions, padded, lengths)[0]
        assert float(loss.detach()) == pytest.approx(total - score, abs=1e-10)
    best = made.best(emissions, lengths)
    assert tuple(best[:length, 0].tolist()) == every[int(np.argmax(scores))]
    assert best[length:].sum() == 0
    marginal = made.marginals(emissions, lengths)[0, 0]
    for tag in range(3):
        share = sum(np.exp(s - total) for t, s in zip(every, scores, strict=True) if t[0] == tag)
        assert float(marginal[tag].detach()) == pytest.approx(share, abs=1e-10)


def test_the_gradient_of_a_chain_is_right() -> None:
    made = chain(3)
    tags = torch.tensor([[0, 2], [1, 0], [2, 0]])
    lengths = torch.tensor([3, 1])
    emissions = torch.randn(3, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda e: made.losses(e, tags, lengths), (emissions,))


@given(st.lists(st.sampled_from(["O", "B-X", "I-X", "B-Y", "I-Y"]), min_size=1, max_size=9))
@settings(max_examples=100, deadline=None)
def test_chains_that_break_spans_are_never_the_best(wanted: list[str]) -> None:
    tags = ["B-X", "B-Y", "I-X", "I-Y", "O"]
    made = chain(5, allowed=torch.from_numpy(allowed_moves(tags)))
    emissions = torch.zeros(len(wanted), 1, 5, dtype=torch.float64)
    for step, tag in enumerate(wanted):
        emissions[step, 0, tags.index(tag)] = 50.0  # as loud as a network can be
    best = made.best(emissions, torch.tensor([len(wanted)]))[:, 0].tolist()
    found = [tags[number] for number in best]
    assert broken_span(found) is None
    if broken_span(wanted) is None:
        assert found == wanted


def test_spans_are_counted_as_seqeval_counts_them() -> None:
    assert spans(["B-X", "I-X", "I-Y", "O", "I-X"]) == {("X", 0, 2), ("Y", 2, 3), ("X", 4, 5)}
    truth = [("B-X", "I-X", "O"), ("B-Y",)]
    made = [("B-X", "O", "O"), ("B-Y",)]
    scores = tag_scores(truth, made, made, ["B-X", "I-X", "B-Y", "O"])
    rows = {row.name: (row.precision, row.recall, row.f1, row.count) for row in scores.spans}
    assert rows["all"] == (0.5, 0.5, 0.5, 2)
    assert rows["Y"] == (1.0, 1.0, 1.0, 1)
    assert scores.accuracy == 0.75


def test_conllu_is_read_as_the_format_says(tmp_path: Path) -> None:
    path = tmp_path / "a.conllu"
    path.write_text(
        "# sent_id = 1\n1-2\tdon't\t_\t_\t_\n1\tdo\tdo\tAUX\t_\n2\tn't\tnot\tPART\t_\n"
        "2.1\tghost\t_\tVERB\t_\n\n\n1\tYes\tyes\tINTJ\t_\n",
        encoding="utf-8",
    )
    assert read_sentences(path) == [
        Sentence(("do", "n't"), ("AUX", "PART")),
        Sentence(("Yes",), ("INTJ",)),
    ]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.conllu", "1\tdo\tdo\n\n", r"a.conllu, line 1 has 3 columns, at least 4"),
        ("a.txt", "Ada B-PER\nsleeps\n", r"a.txt, line 2 has 1 columns, at least 2"),
        ("a.txt", "\n\n", "has no sentence"),
        ("a.txt", "a\t\n", r"line 1 has an empty word or tag"),
    ],
)
def test_files_that_lack_something_are_refused_with_the_line(
    name: str, text: str, says: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TextError, match=says):
        read_sentences(path)


def test_tags_that_break_spans_are_refused_with_the_word() -> None:
    with pytest.raises(TextError, match=r"Sentence 2: the word 'Ada' has the tag I-PER"):
        check_tags([people(1)[0], Sentence(("Ada", "runs"), ("I-PER", "O"))])


def test_a_tagger_learns_names_comes_back_and_never_breaks_a_span(tmp_path: Path) -> None:
    tagger = Tagger(steps=60, hidden=16).fit(people())
    scores = tagger.evaluate(people(20))
    assert scores.accuracy > 0.95
    assert scores.accuracy >= scores.accuracy_most_frequent
    tagger.save(tmp_path / "model")
    again = Tagger.load(tmp_path / "model")
    odd = [("zzz", "\u2028", "Ada" * 50, "sleeps"), ("runs",)]
    made = again.predict(odd)
    assert made == tagger.predict(odd)
    assert [one.words for one in made] == odd
    assert all(broken_span(one.tags or ()) is None for one in made)
    assert again.evaluate(people(20)) == scores


def test_a_sentence_is_tagged_alike_alone_and_among_others() -> None:
    tagger = Tagger(steps=5, hidden=16).fit(people())
    sentences = people(30)
    together = tagger.predict(sentences)
    assert together == [tagger.predict([one])[0] for one in sentences]


def test_equal_steps_give_equal_taggers() -> None:
    first, second = (Tagger(steps=8, hidden=8).fit(people()) for _ in range(2))
    for one, two in zip(first.network_.parameters(), second.network_.parameters(), strict=True):
        assert torch.equal(one, two)


def test_a_tag_that_training_never_saw_is_named() -> None:
    tagger = Tagger(steps=3, hidden=8).fit(people())
    scores = tagger.evaluate([Sentence(("Ada",), ("B-DOG",))])
    assert scores.unknown == ("B-DOG",)
    assert scores.accuracy == 0.0


def test_what_cannot_be_learnt_is_refused() -> None:
    with pytest.raises(ArgumentError, match="nothing to learn"):
        Tagger(steps=1).fit([Sentence(("a", "b"), ("X", "X"))] * 30)
    with pytest.raises(ArgumentError, match="with a tag for each"):
        Tagger(steps=1).fit([Sentence(("a", "b"))])
    with pytest.raises(ArgumentError, match="with a tag for each"):
        Tagger(steps=1).fit([Sentence((), ()), *people()])
    with pytest.raises(ArgumentError, match="Sentence 1 is one text, 'the gate'; give its words"):
        Tagger(steps=1, hidden=4).fit(people()).predict(["the gate"])


def test_damaged_folders_are_refused(tmp_path: Path) -> None:
    Tagger(steps=2, hidden=8).fit(people()).save(tmp_path / "model")
    manifest = tmp_path / "model" / "manifest.json"
    content = json.loads(manifest.read_text(encoding="utf-8"))
    for name, value in {
        "tags": ["O", "O"],
        "vocabulary": {"words": [1], "letters": []},
        "design": {},
        "most frequent": {"Ada": "X"},
        "common tag": 3,
    }.items():
        broken_one = {**content, "content": {**content["content"], name: value}}
        manifest.write_text(json.dumps(broken_one), encoding="utf-8")
        with pytest.raises(ModelError, match="does not fit together"):
            Tagger.load(tmp_path / "model")
