"""The network of a forecaster as the lens takes it: `holdfast.nn.Inspectable`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from holdfast.errors import ArgumentError, TableError, option
from holdfast.forecasting.forecaster import Forecaster
from holdfast.forecasting.model import FittedModel
from holdfast.forecasting.networks.covariates.inputs import CovariateWindows
from holdfast.forecasting.networks.members import (
    CovariateMember,
    PretrainedMember,
    RegressedMember,
    WindowMember,
)
from holdfast.forecasting.networks.model import Features, ForecastNetwork, features, targets
from holdfast.forecasting.pretrained.features import PatchFeatures, origins_of, patch_features
from holdfast.forecasting.pretrained.features import targets as patch_targets
from holdfast.forecasting.pretrained.model import PretrainedNetwork
from holdfast.forecasting.quantile_head import pinball
from holdfast.forecasting.quantiles import QUANTILES
from holdfast.nn.inspectable import output_replaced, output_seen
from holdfast.records import Floats, SequenceLabels
from holdfast.tables.read import Table
from holdfast.tables.series import SeriesSet
from holdfast.tables.windows import logarithms, positive, window_values

MOST_WINDOWS: Final = 32  # windows that are looked at, spread over the series
_MEDIAN: Final = len(QUANTILES) // 2
_UNITS: Final = ("scaled quantile loss", "minus the mean scaled forecast")


@dataclass(frozen=True, eq=False)
class WindowExamples:
    """What a network trained on windows reads, and what came, (P, B, K)."""

    read: Features
    ahead: Tensor


@dataclass(frozen=True, eq=False)
class PatchExamples:
    """What the pretrained network reads, and what came, (P − 1, B, p)."""

    reading: PatchFeatures
    ahead: Tensor


class InspectedWindows(nn.Module):
    """A network that was trained on windows of the user's series; a step is a patch.

    With `of_forecast` minus the mean of the median forecast stands for the loss: what the lens
    attributes, minus the loss, is then the forecast itself.
    """

    def __init__(self, network: ForecastNetwork, least: int, *, of_forecast: bool = False) -> None:
        super().__init__()
        self.network, self.least, self.of_forecast = network, least, of_forecast
        self.loss_unit = _UNITS[of_forecast]

    def recurrent_layers(self) -> dict[str, nn.Module]:
        """The recurrent layers by name."""
        return {f"layer {place + 1}": one for place, one in enumerate(self.network.recurrent)}

    def encode(self, examples: WindowExamples) -> Tensor:
        """(P, B, H) the patches, before the first norm: residuals carry them past the layers."""
        with output_seen(self.network.read) as seen:
            self.network(self._in_its_dtype(examples.read))
        return seen[0]

    def loss_by_position(self, examples: WindowExamples, encoded: Tensor | None = None) -> Tensor:
        """(P, B) the mean pinball loss of the forecast from each position."""
        given = self._in_its_dtype(examples.read)
        with output_replaced(self.network.read, encoded):
            quantiles: Tensor = self.network(given)
        if self.of_forecast:
            return -quantiles[..., _MEDIAN].mean(dim=-1)
        ahead = examples.ahead.to(quantiles.dtype)
        enough = (given.observed >= self.least)[..., None]
        return _mean_pinball(quantiles, torch.where(enough, ahead, torch.nan))

    def _in_its_dtype(self, given: Features) -> Features:
        dtype = next(self.parameters()).dtype
        ahead = None if given.ahead is None else given.ahead.to(dtype)
        return replace(given, inputs=given.inputs.to(dtype), past=given.past.to(dtype), ahead=ahead)


class InspectedPretrained(nn.Module):
    """The network that ships, or was adapted; a step is a patch. `of_forecast`: as above."""

    def __init__(self, network: PretrainedNetwork, *, of_forecast: bool = False) -> None:
        super().__init__()
        self.network, self.of_forecast = network, of_forecast
        self.loss_unit = _UNITS[of_forecast]

    def recurrent_layers(self) -> dict[str, nn.Module]:
        """The recurrent layers by name."""
        return {
            f"block {place + 1}": block.get_submodule("recurrent")
            for place, block in enumerate(self.network.blocks)
        }

    def encode(self, examples: PatchExamples) -> Tensor:
        """(P, B, H) the patches, before the first norm: residuals carry them past the layers."""
        with output_seen(self.network.enter) as seen:
            self.network(self._in_its_dtype(examples.reading))
        return seen[0]

    def loss_by_position(self, examples: PatchExamples, encoded: Tensor | None = None) -> Tensor:
        """(P, B) the mean pinball loss of the next patch; NaN at the last position."""
        given = self._in_its_dtype(examples.reading)
        with output_replaced(self.network.enter, encoded):
            quantiles: Tensor = self.network(given)
        if self.of_forecast:
            return -quantiles[..., _MEDIAN].mean(dim=-1)
        loss = _mean_pinball(quantiles[:-1], examples.ahead.to(quantiles.dtype))
        return torch.cat([loss, loss.new_full((1, loss.shape[1]), torch.nan)])

    def _in_its_dtype(self, given: PatchFeatures) -> PatchFeatures:
        dtype = next(self.parameters()).dtype
        return replace(given, inputs=given.inputs.to(dtype), candidates=given.candidates.to(dtype))


def forecaster_examples(
    forecaster: Forecaster, table: Table | None = None
) -> tuple[nn.Module, WindowExamples | PatchExamples, str]:
    """The network that weighs most in a forecaster's blend, windows to look at it on, its name.

    The network implements `holdfast.nn.Inspectable`; a table is from `Forecaster.read`, None for
    the histories of the fit.

    Raises:
        TableError: no series is long enough.
    """
    model = forecaster._fitted_model()
    series = model.series if table is None else table.series
    member, name = chosen_member(model)
    if isinstance(member, PretrainedMember):
        return InspectedPretrained(member.network), _patches(member, series), name
    design, network = member.design, member.networks[0]
    rows = _chosen(series, design.horizon + design.least)
    # Windows whose horizon is known, the last of each series.
    examples = window_examples(member, series, rows, series.lengths[rows] - design.horizon)
    return InspectedWindows(network, design.least), examples, name


def chosen_member(
    model: FittedModel,
) -> tuple[PretrainedMember | WindowMember | CovariateMember, str]:
    """The member that weighs most in a forecaster's blend, and its name.

    Of one that reads a table through the network that ships, that network.
    """
    weights = dict(zip(model.ensemble.names, model.ensemble.weights.tolist(), strict=True))
    member = max(model.networks, key=lambda one: weights.get(one.name, 0.0))
    if isinstance(member, RegressedMember):
        return member.start, member.name
    assert isinstance(member, PretrainedMember | WindowMember | CovariateMember)
    return member, member.name


def window_examples(
    member: WindowMember | CovariateMember,
    series: SeriesSet,
    rows: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> WindowExamples:
    """Windows of some series that end after so many of their points."""
    design = member.design
    inner = logarithms(series, positive(series))
    values = torch.from_numpy(window_values(inner, rows, ends, design.shape))
    given = features(values, design)
    ahead = targets(values, given, design)
    if isinstance(member, CovariateMember):
        beside = CovariateWindows(series, member.encoding, design.horizon)
        given = beside.added_to(given, rows, ends, design)
    return WindowExamples(given, ahead)


def _patches(member: PretrainedMember, series: SeriesSet) -> PatchExamples:
    """The ends of series, all of as many patches as the shorter ones have."""
    design = member.network.design
    patch = design.patch
    rows = _chosen(series, 3 * patch)
    known = np.minimum(series.lengths[rows] // patch, design.context // patch)
    length = int(np.quantile(known, 0.25)) * patch
    return patch_examples(member, series, rows[known * patch >= length], length)


def patch_examples(
    member: PretrainedMember, series: SeriesSet, rows: NDArray[np.int64], length: int
) -> PatchExamples:
    """The last so many points, whole patches, of some series."""
    design = member.network.design
    patch = design.patch
    values = np.stack([series.one(int(row))[-length:] for row in rows])
    whole = torch.from_numpy(np.asarray(values, dtype=np.float64))
    count = len(rows)
    given = patch_features(
        whole,
        torch.full((count,), member.season),
        torch.full((count,), member.long_season or 1),
        origins_of(~torch.isnan(whole), patch),
        design,
    )
    return PatchExamples(given, patch_targets(whole, given, patch))


def _chosen(series: SeriesSet, least: int) -> NDArray[np.int64]:
    """Series of so many points, spread over all that have them."""
    long = np.flatnonzero(series.lengths >= least)
    if not len(long):
        raise TableError(
            f"No series has {least} points, which the network's memory needs to be looked at; give "
            "longer histories."
        )
    places = np.linspace(0, len(long) - 1, min(MOST_WINDOWS, len(long)))
    return np.asarray(long[np.unique(places.astype(np.int64))], dtype=np.int64)


def _mean_pinball(forecast: Tensor, ahead: Tensor) -> Tensor:
    """(P, B) over the steps that came; NaN where none did."""
    quantiles = torch.tensor(QUANTILES, dtype=forecast.dtype)
    count = (~torch.isnan(ahead)).sum(dim=-1)
    total = pinball(forecast, ahead, quantiles).sum(dim=-1)
    return torch.where(count > 0, total / count.clamp(min=1), torch.nan)


def series_place(series: SeriesSet, name: str) -> int:
    """Which of some series is meant by its label, or by its number from 1.

    Raises:
        ArgumentError: none is.
    """
    if name in series.labels:
        return series.labels.index(name)
    if name.isdecimal() and 1 <= int(name) <= len(series):
        return int(name) - 1
    some = ", ".join(series.labels[:5]) + (" …" if len(series) > 5 else "")
    raise ArgumentError(
        f"{option('sequence', name)}: no series is called so; give one of {some}, or a number from "
        f"1 to {len(series):,}."
    )


def forecast_sequence(
    forecaster: Forecaster, name: str, table: Table | None = None
) -> tuple[nn.Module, WindowExamples | PatchExamples, SequenceLabels]:
    """What a forecast of one series rests on: the network that weighs most, and what it reads.

    The steps, which are patches, are called by the time that each begins with.

    Raises:
        ArgumentError: there is no such series.
        TableError: it is too short.
    """
    model = forecaster._fitted_model()
    series = model.series if table is None else table.series
    row = series_place(series, name)
    member, network = chosen_member(model)
    one = series.take(np.array([row]))
    label, length = one.labels[0], int(one.lengths[0])
    if isinstance(member, WindowMember | CovariateMember):
        design = member.design
        # What is known ahead of the newest forecast is not at hand: the last one that is.
        behind = design.horizon if isinstance(member, CovariateMember) else 0
        patch, steps, least = design.patch, design.context // design.patch, design.least
        if length - behind < least:
            raise _too_short(label, length, least + behind)
        inspected: nn.Module = InspectedWindows(member.networks[0], least, of_forecast=True)
        ends = one.lengths - behind
        examples: WindowExamples | PatchExamples = window_examples(member, one, np.array([0]), ends)
        ahead = design.horizon
    else:
        patch, ahead, behind = member.network.design.patch, member.network.design.patch, 0
        steps = min(length, member.network.design.context) // patch
        if steps < 2:
            raise _too_short(label, length, 2 * patch)
        inspected = InspectedPretrained(member.network, of_forecast=True)
        examples = patch_examples(member, one, np.array([0]), steps * patch)
    last = int(one.ends[0]) - behind
    begins = last + 1 - patch * np.arange(steps, 0, -1, dtype=np.int64)
    stamps = [str(text) for text in one.calendar.texts(one.calendar.times(np.append(begins, last)))]
    mean = f", mean of {patch}" if patch > 1 else ""
    coming = "the next value" if ahead == 1 else f"the mean of the next {ahead:,} values"
    return (
        inspected,
        examples,
        SequenceLabels(
            labels=tuple(stamps[:-1]),
            values=_patch_means(one, begins, patch),
            channels=(f"{model.names.target}{mean}",),
            output=f"the forecast of {coming} after {stamps[-1]}",
            title=f"What the forecast of {label} rests on ({network})",
        ),
    )


def _patch_means(one: SeriesSet, begins: NDArray[np.int64], patch: int) -> Floats:
    """(P, 1) the mean of what was observed in each patch; NaN where nothing was."""
    values = torch.from_numpy(one.span(int(begins[0]), len(begins) * patch))
    means: Floats = values.reshape(len(begins), patch).nanmean(dim=1, keepdim=True).numpy()
    return means


def _too_short(label: str, length: int, least: int) -> TableError:
    return TableError(
        f"The series {label!r} has {length:,} points, and the network reads {least:,} at least; "
        "give a longer one."
    )
