"""The public class of language models: train, load, save, generate, stream, score."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from holdfast import storage
from holdfast.errors import ArgumentError, InputError, ModelError, TextError
from holdfast.language.corpus import TEXT, Amount, Stored, prepare
from holdfast.language.design import LanguageDesign, Wishes
from holdfast.language.generate import Sampling, Writer, generate_ids, until
from holdfast.language.network import LanguageNetwork
from holdfast.language.onnx_step import language_onnx
from holdfast.language.score import DynamicRate, dynamic_surprises, surprises, text_score
from holdfast.language.text_files import read_all
from holdfast.language.tokenizer import KINDS, Ids, Kind, Tokens
from holdfast.language.train import LanguageFit, fit, planned
from holdfast.records import PlannedText, TextScore
from holdfast.storage import write_text_atomically
from holdfast.training import run_directory
from holdfast.training.budget import Budget
from holdfast.training.progress import Progress, progress_for_terminal
from holdfast.training.weights import arrays_of, network_from

KIND: Final = "language model"
"""What a model folder of ours says it holds."""

_CARRY_ON: Final = "\n"


class LanguageModel:
    """An LSTM that has read text: it writes on, and says how surprising a text is.

    Arguments:
        tokens: the vocabulary.
        network: reads tokens of it.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "text.txt"
        ...     _ = path.write_text("to be or not to be, that is the question. " * 40)
        ...     model = LanguageModel.train(path, steps=3, hidden=16)
        >>> len(model.generate("to be", length=20))
        20
        >>> model.score("to be or not to be").tokens
        18
    """

    def __init__(self, tokens: Tokens, network: LanguageNetwork) -> None:
        if network.design.vocabulary != tokens.size:
            raise ArgumentError(
                f"The network has {network.design.vocabulary:,} tokens, the vocabulary "
                f"{tokens.size:,}."
            )
        self.tokens = tokens
        self.network = network.eval()
        self.fit: LanguageFit | None = None  # where this process has trained it
        self._held_out: TextScore | None = None

    @classmethod
    def train(
        cls,
        files: str | Path | Sequence[str | Path],
        *,
        tokens: Kind = "char",
        vocab: int | None = None,
        budget: str | float | None = "10m",
        steps: int | None = None,
        validation: float | str | Path | Sequence[str | Path] = 0.1,
        encoding: str = "utf-8",
        seed: int = 0,
        hidden: int | None = None,
        layers: int | None = None,
        dropout: float | None = None,
        weight_drop: float | None = None,
        design: LanguageDesign | None = None,
        checkpoints: str | Path | None = None,
        progress: Progress | None = None,
        announce: Callable[[PlannedText], None] | None = None,
    ) -> LanguageModel:
        """Read files, choose a network that fits them and the time, and train it.

        Arguments:
            files: one or more text files.
            tokens: what a token is: "char", "byte", "word" or "bpe".
            vocab: tokens of the vocabulary; None for a number that fits.
            budget: how long everything may take, as in "90s" or "10m"; None while it is worth it.
            steps: updates in place of the budget; equal steps, equal bits.
            validation: share of the text, at its end, that is only scored; or one or more files.
            encoding: of the files.
            seed: of everything random.
            hidden, layers, dropout, weight_drop: as in `Wishes`, in place of what is chosen.
            design: all sizes in place of those that are chosen.
            checkpoints: folder from which a training that was killed goes on; None for none.
            progress: is told of every update; None for a bar on a terminal.
            announce: is given what is going to be done, once it is decided.

        Raises:
            TextError: a file cannot be read or is too short; says where.
            ArgumentError: an argument is out of range.
        """
        started = time.monotonic()
        if tokens not in KINDS:
            raise ArgumentError(f"tokens={tokens!r} must be one of {', '.join(KINDS)}.")
        if steps is not None and steps < 1:
            raise ArgumentError(f"steps={steps!r} must be a whole number from 1.")
        wishes = Wishes(hidden, layers, dropout, weight_drop)
        clock = Budget.parse(None if steps else budget, start=started)
        paths = [files] if isinstance(files, str | Path) else list(files)
        with tempfile.TemporaryDirectory() as scratch:
            folder = None if checkpoints is None else Path(checkpoints)
            corpus = prepare(
                paths,
                tokens,
                (folder or Path(scratch)) / TEXT,
                size=vocab,
                validation=[validation] if isinstance(validation, str | Path) else validation,
                encoding=encoding,
            )
            made = fit(
                corpus,
                design=design,
                wishes=wishes,
                budget=clock,
                steps=steps,
                seed=seed,
                progress=progress_for_terminal() if progress is None else progress,
                folder=folder,
                announce=None
                if announce is None
                else lambda task, count, threads: announce(planned(task, count, threads)),
            )
            model = cls(corpus.tokens, made.task.module.network)
            model._held_out = model._score_of(made.task.corpus.validation, made.task.corpus.watched)
        model.fit = made
        return model

    @staticmethod
    def clear(checkpoints: str | Path) -> None:
        """Remove what a training that is done has left, and nothing that lies beside it."""
        run_directory.clear(Path(checkpoints), ("checkpoints", TEXT))

    def held_out_score(self) -> TextScore:
        """The score on the text that was held out in training, weights fixed.

        Raises:
            ArgumentError: this model was loaded, and not trained in this process.
        """
        if self._held_out is None:
            raise ArgumentError("This model was loaded; give score() a text.")
        return self._held_out

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
            ArgumentError: a number is out of range.
        """
        return "".join(
            self.stream(
                prompt,
                length=length,
                temperature=temperature,
                top_k=top_k,
                top_p=top_p,
                seed=seed,
                stop=stop,
            )
        )

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
        """The same piece by piece, as it is written: each token costs the same, however far on.

        Raises:
            ArgumentError: a number is out of range.
        """
        if length < 1:
            raise ArgumentError(f"length={length!r} must be a whole number from 1.")
        if stop == "":
            raise ArgumentError('stop="" would end before the first token; leave it out.')
        sampling = Sampling(temperature, top_k, top_p)
        ids = self._begun(self.tokens.encode(prompt))
        return until(stop, self._written(ids, sampling, length, seed))

    def score(
        self, text: str | Path, *, dynamic: bool = False, encoding: str = "utf-8"
    ) -> TextScore:
        """How well the model predicts a text, in one stream, weights fixed.

        Arguments:
            text: the text itself, or the path of a file of any size.
            dynamic: whether a copy of the model goes on learning while it reads (Krause et al.
                2018, arXiv 1709.07432).
            encoding: of the file.

        Raises:
            TextError: there is no text, or the file cannot be read.
        """
        pieces = read_all([text], encoding=encoding) if isinstance(text, Path) else [text]
        amount, unknown = Amount(), 0
        ids_of = []
        for piece in pieces:
            ids = self.tokens.encode(piece)
            amount += Amount.of(piece, len(ids))
            unknown += 0 if self.tokens.unknown is None else int((ids == self.tokens.unknown).sum())
            ids_of.append(ids.astype(np.int32))
        if not amount.tokens:
            raise TextError("There is no text to score.")
        stream = self._begun(np.concatenate(ids_of))
        learning = partial(dynamic_surprises, how=DynamicRate())
        parts = (learning if dynamic else surprises)(self.network, stream)
        total = sum(float(part.sum()) for part in parts)
        return text_score(total, amount, unknown, dynamic=dynamic)

    def _score_of(self, ids: Stored, amount: Amount) -> TextScore:
        """The score of tokens that are numbered already."""
        unknown = self.tokens.unknown
        missing = 0 if unknown is None else int((np.asarray(ids) == unknown).sum())
        total = sum(float(part.sum()) for part in surprises(self.network, self._begun(ids)))
        return text_score(total, amount, missing, dynamic=False)

    def surprise(
        self, text: str, *, most: int | None = None
    ) -> tuple[list[str], NDArray[np.float64]]:
        """Every token of a text as it is written, and its surprise in nats.

        Arguments:
            text: to read.
            most: tokens, from the beginning; None for all.

        Raises:
            TextError: there is no text.
        """
        ids = self.tokens.encode(text)[:most]
        if not len(ids):
            raise TextError("There is no text to score.")
        parts = list(surprises(self.network, self._begun(ids)))
        writer = Writer(self.tokens)
        return [writer.write(int(token)) for token in ids], np.concatenate(parts)

    def save(self, folder: str | Path) -> None:
        """Write a model folder: weights, sizes and the tokenizer; whole or not at all.

        Raises:
            InputError: the folder cannot be written, or holds something that is not ours.
        """
        manifest = {
            "design": self.network.design.to_json(),
            "kind": self.tokens.kind,
            "tokenizer": self.tokens.to_json(),
        }
        arrays = arrays_of(self.network)
        if self.network.design.tied:
            del arrays["head.weight"]
        storage.save(folder, KIND, manifest, arrays)

    @classmethod
    def load(cls, folder: str | Path) -> LanguageModel:
        """A model from its folder, everything checked.

        Raises:
            ModelError: the folder is missing, corrupt, foreign or from a newer version.
        """
        manifest, arrays = storage.load(folder, KIND)
        try:
            if set(manifest) != {"design", "kind", "tokenizer"}:
                raise ValueError("it has missing or unknown fields")
            design = LanguageDesign.from_json(manifest["design"])
            tokens = Tokens.from_json(manifest["kind"], manifest["tokenizer"])
            if design.tied:
                arrays["head.weight"] = arrays["embedding.weight"]
            network = network_from(lambda: LanguageNetwork(design), arrays)
            if design.tied:
                network.head.weight = network.embedding.weight
            return cls(tokens, network)
        except (InputError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            reason = str(error).rstrip(".")
            raise ModelError(f"{folder} does not fit together ({reason}); train it again.") from (
                error
            )

    def export_onnx(self, path: str | Path) -> Path:
        """Write the model as an ONNX file (`onnx_step.language_onnx`), its tokenizer beside it.

        Arguments:
            path: of the file; the tokenizer, in the form of Hugging Face, ends in .tokenizer.json.

        Returns:
            The path of the tokenizer.

        Raises:
            InputError: onnx is not installed, or a file cannot be written.
        """
        language_onnx(self.network, path)
        beside = Path(path).with_suffix(".tokenizer.json")
        write_text_atomically(beside, self.tokens.to_json())
        return beside

    def _begun(self, ids: Stored) -> Ids:
        """Tokens after one to begin with: a line break, or whatever comes first."""
        first = self.tokens.encode(_CARRY_ON)
        begin = int(first[-1]) if len(first) else 0
        return np.concatenate([[begin], ids]).astype(np.int64)

    def _written(self, ids: Ids, sampling: Sampling, length: int, seed: int) -> Iterator[str]:
        writer = Writer(self.tokens, after=int(ids[-1]))
        made = generate_ids(self.network, ids, sampling, seed=seed, barred=self.tokens.unknown)
        for _, token in zip(range(length), made, strict=False):
            yield writer.write(token)
