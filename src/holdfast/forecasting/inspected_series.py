"""One series as a forecaster reads it for its forecast, for the lens to look at."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from holdfast.errors import ArgumentError, TableError, option
from holdfast.forecasting.fitted import Fitted
from holdfast.forecasting.inspected import (
    InspectedPretrained,
    InspectedWindows,
    PatchExamples,
    WindowExamples,
    chosen_member,
    patch_examples,
    window_examples,
)
from holdfast.forecasting.networks.design import QUANTILES
from holdfast.forecasting.networks.members import CovariateMember, WindowMember
from holdfast.nn.inspectable import output_replaced
from holdfast.records import Floats, SequenceLabels
from holdfast.tables.series import SeriesSet

_MEDIAN: Final = len(QUANTILES) // 2


class ForecastOfWindows(InspectedWindows):
    """As `InspectedWindows`; for the loss stands minus the mean of the median forecast.

    What the lens attributes, minus the loss, is then the forecast itself.
    """

    loss_unit = "minus the mean scaled forecast"

    def loss_by_position(self, examples: WindowExamples, encoded: Tensor | None = None) -> Tensor:
        """(P, B) minus the mean over the horizon of the median forecast from each position."""
        with output_replaced(self.network.read, encoded):
            made: Tensor = self.network(self._in_its_dtype(examples.read))
        return -made[..., _MEDIAN].mean(dim=-1)


class ForecastOfPatches(InspectedPretrained):
    """As `InspectedPretrained`; for the loss stands minus the mean of the median forecast."""

    loss_unit = "minus the mean scaled forecast"

    def loss_by_position(self, examples: PatchExamples, encoded: Tensor | None = None) -> Tensor:
        """(P, B) minus the mean of the median forecast of the patch behind each position."""
        with output_replaced(self.network.enter, encoded):
            made: Tensor = self.network(self._in_its_dtype(examples.reading))[0]
        return -made[..., _MEDIAN].mean(dim=-1)


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
        "1 to "
        f"{len(series):,}."
    )


def forecast_sequence(
    fitted: Fitted, name: str, series: SeriesSet | None = None
) -> tuple[nn.Module, WindowExamples | PatchExamples, SequenceLabels]:
    """What a forecast of one series rests on: the network that weighs most, and what it reads.

    Arguments:
        fitted: from a model folder.
        name: the series' label, or its number from 1.
        series: histories; None for those that it was fitted on.

    Returns:
        What implements `holdfast.nn.Inspectable`, its examples, and what its steps, the patches,
        are called: by the time that each begins with.

    Raises:
        ArgumentError: there is no such series.
        TableError: it is too short.
    """
    series = fitted.series if series is None else series
    row = series_place(series, name)
    member, network = chosen_member(fitted)
    one = series.take(np.array([row]))
    label, length = one.labels[0], int(one.lengths[0])
    if isinstance(member, WindowMember | CovariateMember):
        design = member.design
        # What is known ahead of the newest forecast is not at hand: the last one that is.
        behind = design.horizon if isinstance(member, CovariateMember) else 0
        patch, steps, least = design.patch, design.context // design.patch, design.least
        if length - behind < least:
            raise _too_short(label, length, least + behind)
        model: nn.Module = ForecastOfWindows(member.networks[0], least)
        ends = one.lengths - behind
        found: WindowExamples | PatchExamples = window_examples(member, one, np.array([0]), ends)
        ahead = design.horizon
    else:
        patch, ahead, behind = member.network.design.patch, member.network.design.patch, 0
        steps = min(length, member.network.design.context) // patch
        if steps < 2:
            raise _too_short(label, length, 2 * patch)
        model = ForecastOfPatches(member.network)
        found = patch_examples(member, one, np.array([0]), steps * patch)
    last = int(one.ends[0]) - behind
    begins = last + 1 - patch * np.arange(steps, 0, -1, dtype=np.int64)
    stamps = [str(text) for text in one.calendar.texts(one.calendar.times(np.append(begins, last)))]
    mean = f", mean of {patch}" if patch > 1 else ""
    coming = "the next value" if ahead == 1 else f"the mean of the next {ahead:,} values"
    return (
        model,
        found,
        SequenceLabels(
            labels=tuple(stamps[:-1]),
            values=_patch_means(one, begins, patch),
            channels=(f"{fitted.names.target}{mean}",),
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
