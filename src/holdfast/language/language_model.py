"""`LanguageModel`: the public class of language models: fit, generate, evaluate, save, load."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from holdfast import storage
from holdfast.errors import ArgumentError, InputError, ModelError, TextError, option
from holdfast.language.corpus import TEXT, Amount, Stored, prepare
from holdfast.language.design import LanguageDesign, Overrides, design_words
from holdfast.language.generate import Sampling, Writer, generate_ids, until
from holdfast.language.network import LanguageNetwork
from holdfast.language.onnx_step import language_onnx
from holdfast.language.score import dynamic_surprises, surprises, text_score
from holdfast.language.text_files import read_all
from holdfast.language.tokenizer import KINDS, Ids, Kind, Tokenizer, check_whole
from holdfast.language.train import LanguageResult, train_language
from holdfast.records import PlannedText, SurpriseRecord, TextScore, TextTrainingRecord
from holdfast.training import run_directory
from holdfast.training.budget import Budget, duration
from holdfast.training.parameters import Parameters
from holdfast.training.progress import Progress, progress_for_terminal
from holdfast.training.weights import arrays_of, network_from
from holdfast.version import __version__

SAMPLE: Final = 600
"""Tokens that a model writes for its report."""

_LINE_BREAK: Final = "\n"


class LanguageModel(Parameters):
    """An LSTM language model: it writes on after a text, and says how surprising a text is.

    Arguments:
        tokens: what a token is: "char", "byte", "word" or "bpe".
        vocab: tokens of the vocabulary; None for a number that fits.
        budget: how long `fit` may take, as in "90s" or "10m"; None while it is worth it.
        steps: updates in place of the budget; equal steps, equal bits.
        hidden: units of a layer.
        layers: how many.
        dropout: share hidden between layers and before the output.
        weight_drop: share of the recurrent weights that an update hides.
        design: all sizes at once. Sizes and shares that are None are chosen from text and time.
        seed: of everything random.

    Attributes:
        tokenizer_: cuts text into tokens; there after `fit` or `load`, as is the next.
        network_: predicts the next token.
        scores_: on the text that was held out in `fit`, weights fixed; None for a loaded model.
        result_: the record of the training; None for a loaded model.

    Raises:
        ArgumentError: an argument is out of range.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "text.txt"
        ...     _ = path.write_text("to be or not to be, that is the question. " * 40)
        ...     model = LanguageModel(steps=3, hidden=16).fit(path)
        >>> len(model.generate("to be", length=20))
        20
        >>> model.evaluate("to be or not to be").tokens
        18
    """

    KIND: ClassVar[str] = "language model"
    """What a model folder of this class says it holds."""

    tokenizer_: Tokenizer
    network_: LanguageNetwork

    def __init__(
        self,
        tokens: Kind = "char",
        *,
        vocab: int | None = None,
        budget: str | float | None = "10m",
        steps: int | None = None,
        hidden: int | None = None,
        layers: int | None = None,
        dropout: float | None = None,
        weight_drop: float | None = None,
        design: LanguageDesign | None = None,
        seed: int = 0,
    ) -> None:
        if tokens not in KINDS:
            raise ArgumentError(f"{option('tokens', tokens)} must be one of {', '.join(KINDS)}.")
        if budget is not None:
            duration(budget)
        if steps is not None and steps < 1:
            raise ArgumentError(f"{option('steps', steps)} must be a whole number from 1.")
        if Overrides(hidden, layers, dropout, weight_drop) != Overrides() and design is not None:
            raise ArgumentError(
                "Give a design, or sizes and dropout for one that is chosen; not both."
            )
        self.tokens = tokens
        self.vocab = vocab
        self.budget = budget
        self.steps = steps
        self.hidden = hidden
        self.layers = layers
        self.dropout = dropout
        self.weight_drop = weight_drop
        self.design = design
        self.seed = seed
        self.scores_: TextScore | None = None
        self.result_: LanguageResult | None = None

    @classmethod
    def from_network(cls, tokenizer: Tokenizer, network: LanguageNetwork) -> LanguageModel:
        """A model of a tokenizer and a network that are there already.

        Raises:
            ArgumentError: the network has another number of tokens.
        """
        if network.design.vocabulary != tokenizer.size:
            tokens = f"{network.design.vocabulary:,} tokens"
            raise ArgumentError(f"The network has {tokens}, the vocabulary {tokenizer.size:,}.")
        model = cls(tokenizer.kind, hidden=network.design.hidden, layers=network.design.layers)
        model.tokenizer_, model.network_ = tokenizer, network.eval()
        return model

    def fit(
        self,
        files: str | Path | Sequence[str | Path],
        y: None = None,
        *,
        validation: float | str | Path | Sequence[str | Path] = 0.1,
        encoding: str = "utf-8",
        checkpoints: str | Path | None = None,
        progress: Progress | None = None,
        announce: Callable[[PlannedText], None] | None = None,
    ) -> LanguageModel:
        """Read files, choose a network that fits them and the time, and train it.

        Arguments:
            files: one or more text files.
            y: nothing; scikit-learn's pipelines give it.
            validation: share of the text, at its end, that is only scored; or one or more files.
            encoding: of the files.
            checkpoints: folder from which a training that was killed goes on; None for none.
            progress: is told of every update; None for a bar on a terminal.
            announce: is given the plan before training begins.

        Returns:
            itself.

        Raises:
            TextError: a file cannot be read or is too short; says where.
            ArgumentError: an argument is out of range.
        """
        del y
        clock = Budget.parse(None if self.steps else self.budget, start=time.monotonic())
        paths = [files] if isinstance(files, str | Path) else list(files)
        with tempfile.TemporaryDirectory() as scratch:
            folder = None if checkpoints is None else Path(checkpoints)
            corpus = prepare(
                paths,
                self.tokens,
                (folder or Path(scratch)) / TEXT,
                size=self.vocab,
                validation=[validation] if isinstance(validation, str | Path) else validation,
                encoding=encoding,
            )
            result = train_language(
                corpus,
                design=self.design,
                overrides=Overrides(self.hidden, self.layers, self.dropout, self.weight_drop),
                budget=clock,
                steps=self.steps,
                seed=self.seed,
                progress=progress_for_terminal() if progress is None else progress,
                folder=folder,
                announce=announce,
            )
            self.tokenizer_, self.network_ = corpus.tokenizer, result.task.module.network.eval()
            self.scores_ = self._score_of(corpus.validation, corpus.watched)
        self.result_ = result
        return self

    @staticmethod
    def clear_checkpoints(folder: str | Path) -> None:
        """Remove what a training that is done has left, and nothing that lies beside it."""
        run_directory.clear(Path(folder), ("checkpoints", TEXT))

    def generate(
        self,
        prompt: str = "",
        *,
        length: int = 500,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
        stop: str | None = None,
    ) -> str:
        """Write on after a prompt.

        Arguments:
            prompt: read first, and not part of the result; "" to begin a line.
            length: tokens to write at most.
            temperature, top_k, top_p: as in `Sampling`.
            seed: of the draws; equal seeds give equal texts.
            stop: text before which writing ends; None for none.

        Raises:
            ArgumentError: a number is out of range, or not fitted.
            TextError: the prompt holds half a character.
        """
        pieces = self.stream(
            prompt,
            length=length,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=seed,
            stop=stop,
        )
        return "".join(pieces)

    def stream(
        self,
        prompt: str = "",
        *,
        length: int = 500,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
        stop: str | None = None,
    ) -> Iterator[str]:
        """As `generate`, piece by piece: each token costs the same, however far on.

        Raises:
            ArgumentError: a number is out of range, or not fitted.
            TextError: the prompt holds half a character.
        """
        self._check_fitted()
        if length < 1:
            raise ArgumentError(f"{option('length', length)} must be a whole number from 1.")
        if stop == "":
            raise ArgumentError('stop="" would end before the first token; leave it out.')
        check_whole(prompt, "The prompt")
        sampling = Sampling(temperature, top_k, top_p)
        ids = self._after_line_break(self.tokenizer_.encode(prompt))
        return until(stop, self._written(ids, sampling, length, seed))

    def evaluate(
        self, text: str | Path, *, dynamic: bool = False, encoding: str = "utf-8"
    ) -> TextScore:
        """How well the model predicts a text: nats, bits and perplexity, in one stream.

        Arguments:
            text: the text itself, or the path of a file of any size.
            dynamic: whether a copy of the model goes on learning while it reads (Krause et al.
                2018, arXiv 1709.07432).
            encoding: of the file.

        Raises:
            TextError: there is no text, or the file cannot be read.
            ArgumentError: not fitted.
        """
        self._check_fitted()
        pieces = read_all([text], encoding=encoding) if isinstance(text, Path) else [text]
        tokenizer, amount, unknown = self.tokenizer_, Amount(), 0
        ids_of = []
        for piece in pieces:
            ids = tokenizer.encode(piece)
            amount += Amount.of(piece, len(ids))
            unknown += 0 if tokenizer.unknown is None else int((ids == tokenizer.unknown).sum())
            ids_of.append(ids.astype(np.int32))
        if not amount.tokens:
            raise TextError("There is no text to score.")
        stream = self._after_line_break(np.concatenate(ids_of))
        parts = (dynamic_surprises if dynamic else surprises)(self.network_, stream)
        total = sum(float(part.sum()) for part in parts)
        return text_score(total, amount, unknown, dynamic=dynamic)

    def score(self, text: str | Path, y: None = None) -> float:
        """Mean log-likelihood of a token in nats: the higher, the better, as scikit-learn scores.

        Raises:
            TextError: there is no text, or the file cannot be read.
            ArgumentError: not fitted.
        """
        del y
        return -self.evaluate(text).nats

    def surprise(
        self, text: str, *, most: int | None = None
    ) -> tuple[list[str], NDArray[np.float64]]:
        """Every token of a text as it is written, and its surprise in nats.

        Arguments:
            text: to read.
            most: tokens, from the beginning; None for all.

        Raises:
            TextError: there is no text.
            ArgumentError: not fitted.
        """
        self._check_fitted()
        ids = self.tokenizer_.encode(text)[:most]
        if not len(ids):
            raise TextError("There is no text to score.")
        parts = list(surprises(self.network_, self._after_line_break(ids)))
        writer = Writer(self.tokenizer_)
        return [writer.write(int(token)) for token in ids], np.concatenate(parts)

    def surprise_record(
        self, file: Path, *, most: int = 5_000, encoding: str = "utf-8"
    ) -> SurpriseRecord:
        """The surprises of the beginning of a file, for `holdfast.reports.save`.

        Arguments:
            file: of text.
            most: tokens.
            encoding: of the file.

        Raises:
            TextError: the file cannot be read, or is empty.
        """
        text = "".join(islice(read_all([file], encoding=encoding), 4))
        texts, nats = self.surprise(text, most=most)
        return SurpriseRecord(
            title=file.name, texts=tuple(texts), nats=tuple(nats.tolist()), version=__version__
        )

    def record(
        self, *, title: str = "Language model", command: str = "", started: float | None = None
    ) -> TextTrainingRecord:
        """All that a report shows of the training, for `holdfast.reports.save`.

        Arguments:
            title: what it was trained on.
            command: that trained it; "" from Python.
            started: the reading of ``time.monotonic`` from which seconds count; None for those of
                the updates alone.

        Raises:
            ArgumentError: the model was loaded, so that nobody knows how it was trained.
        """
        if self.result_ is None or self.scores_ is None:
            raise ArgumentError("There is nothing to report: this model was loaded, not trained.")
        corpus, trained = self.result_.task.corpus, self.result_.trained
        design = self.network_.design
        read = trained.steps * design.batch * design.window
        return TextTrainingRecord(
            title=title,
            command=command,
            created=storage.local_time(),
            version=__version__,
            seed=self.seed,
            seconds=trained.seconds if started is None else time.monotonic() - started,
            kind=self.tokenizer_.kind,
            vocabulary=self.tokenizer_.size,
            learnt=len(corpus.training),
            held_out=len(corpus.validation),
            parameters=sum(weight.numel() for weight in self.network_.parameters()),
            design=tuple(design_words(design).items()),
            passes=read / len(corpus.training),
            steps=trained.steps,
            tokens_per_second=read / max(trained.seconds, 1e-9),
            curve_steps=tuple(step for step, _ in trained.curve),
            curve_loss=tuple(loss for _, loss in trained.curve),
            validation_steps=tuple(step for step, _ in trained.validations),
            validation_loss=tuple(loss for _, loss in trained.validations),
            stopped=trained.stopped,
            score=self.scores_,
            sample=self.generate(length=SAMPLE, temperature=0.8, seed=self.seed),
        )

    def save(self, folder: str | Path) -> None:
        """Write a model folder: weights, sizes and the tokenizer; whole or not at all.

        Raises:
            InputError: the folder cannot be written, or holds something that is not ours.
            ArgumentError: not fitted.
        """
        self._check_fitted()
        manifest = {
            "design": self.network_.design.to_json(),
            "kind": self.tokenizer_.kind,
            "tokenizer": self.tokenizer_.to_json(),
        }
        arrays = arrays_of(self.network_)
        if self.network_.design.tied:
            del arrays["head.weight"]
        storage.save(folder, self.KIND, manifest, arrays)

    @classmethod
    def load(cls, folder: str | Path) -> LanguageModel:
        """A model from its folder, everything checked.

        Raises:
            ModelError: the folder is missing, corrupt, foreign or from a newer version.
        """
        manifest, arrays = storage.load(folder, cls.KIND)
        try:
            if set(manifest) != {"design", "kind", "tokenizer"}:
                raise ValueError("it has missing or unknown fields")
            design = LanguageDesign.from_json(manifest["design"])
            tokenizer = Tokenizer.from_json(manifest["kind"], manifest["tokenizer"])
            if design.tied:
                arrays["head.weight"] = arrays["embedding.weight"]
            network = network_from(lambda: LanguageNetwork(design), arrays)
            if design.tied:
                network.head.weight = network.embedding.weight
            return cls.from_network(tokenizer, network)
        except (InputError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            message = f"{folder} does not fit together ({str(error).rstrip('.')}); train it again."
            raise ModelError(message) from error

    def export_onnx(self, path: str | Path) -> Path:
        """Write the model as an ONNX file (`onnx_step.language_onnx`), its tokenizer beside it.

        Arguments:
            path: of the file; the tokenizer, in the form of Hugging Face, ends in .tokenizer.json.

        Returns:
            The path of the tokenizer.

        Raises:
            InputError: onnx is not installed, or a file cannot be written.
            ArgumentError: not fitted.
        """
        self._check_fitted()
        language_onnx(self.network_, path)
        tokenizer_path = Path(path).with_suffix(".tokenizer.json")
        storage.write_text_atomically(tokenizer_path, self.tokenizer_.to_json())
        return tokenizer_path

    def __sklearn_is_fitted__(self) -> bool:
        """Whether there is a network; scikit-learn's `check_is_fitted` asks."""
        return hasattr(self, "network_")

    def _check_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            raise ArgumentError("The language model is not fitted yet; call fit first.")

    def _score_of(self, ids: Stored, amount: Amount) -> TextScore:
        """The score of text that is encoded already."""
        unknown = self.tokenizer_.unknown
        missing = 0 if unknown is None else int((np.asarray(ids) == unknown).sum())
        parts = surprises(self.network_, self._after_line_break(ids))
        return text_score(sum(float(part.sum()) for part in parts), amount, missing, dynamic=False)

    def _after_line_break(self, ids: Stored) -> Ids:
        """Tokens after one to begin with: a line break, or token 0 where there is none."""
        line_break = self.tokenizer_.encode(_LINE_BREAK)
        first = int(line_break[-1]) if len(line_break) else 0
        return np.concatenate([[first], ids]).astype(np.int64)

    def _written(self, ids: Ids, sampling: Sampling, length: int, seed: int) -> Iterator[str]:
        tokenizer = self.tokenizer_
        writer = Writer(tokenizer, after=int(ids[-1]))
        drawn = generate_ids(self.network_, ids, sampling, seed=seed, barred=tokenizer.unknown)
        for _, token in zip(range(length), drawn, strict=False):
            yield writer.write(token)
