"""What a pretrained network reads at each position: nothing that lies behind it, no unit.

Everything is measured in the level and spread of the past at that position, so that
``a·y + b`` gives the same inputs as ``y`` for every a > 0. Seasons enter as copies: for each step
of the patch to come, what stood there one season before, and on average over the last few.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from holdfast.forecasting.pretrained.design import PatchDesign
from holdfast.forecasting.pretrained.smoothing import smoothings
from holdfast.tables.series import SeriesSet

CLIP = 12.0  # scaled values beyond this are an outlier's; the network sees this and no more
CYCLES = (1, 3, 8)  # seasons of the seasonal copies: the last one, and means over some
COPIES = 2 * len(CYCLES)  # seasonal candidates: for each of two periods one of each kind

_TURNING = (False, True, True, False, False, True, False, False, False, False)
"""Which scalars change sign when the series does."""

SCALARS = len(_TURNING)  # inputs of a position beside values, copies and their masks


@dataclass(frozen=True, eq=False)
class PatchFeatures:
    """What the network reads at each of K positions of B windows.

    Arguments:
        inputs: (K, B, I) float32.
        candidates: (K, B, C, p) for each step of the patch to come what a centre can be copied
            from, in the network's units; NaN where there is none.
        level, spread: (K, B) float64, turn the network's units back into values.
        observed: (K, B) values seen so far.
        ahead: (K, B) patches between what is known and the patch to come.
    """

    inputs: Tensor
    candidates: Tensor
    level: Tensor
    spread: Tensor
    observed: Tensor
    ahead: Tensor


def input_size(design: PatchDesign) -> int:
    """I, the inputs of one position."""
    return 2 * design.window + 2 * COPIES * design.patch + SCALARS + 2 * design.smoothings


def candidate_count(design: PatchDesign) -> int:
    """C, what a centre can be copied from: level, last value, drift, seasons, smoothings."""
    return 3 + COPIES + design.smoothings


def origins_of(visible: Tensor, patch: int) -> Tensor:
    """(B, K) how many points each position may know of: those up to its last visible patch.

    A patch of which nothing is visible (the future, or a stretch hidden in training) is forecast
    from the end of the last patch before it. `visible` is (B, K·patch).
    """
    seen = visible.reshape(len(visible), -1, patch).any(dim=2)
    ends = torch.arange(1, seen.shape[1] + 1, device=visible.device) * patch
    origins: Tensor = torch.where(seen, ends, 0).cummax(dim=1).values
    return origins


def patch_features(
    values: Tensor,
    season: Tensor,
    long_season: Tensor,
    origins: Tensor,
    design: PatchDesign,
) -> PatchFeatures:
    """The features of some windows; nothing of it depends on what lies behind a position.

    Arguments:
        values: (B, K·patch) float64, NaN for gaps, for the future and before the series begins.
        season, long_season: (B,) points of a season, 1 where there is none.
        origins: (B, K) from `origins_of`.
    """
    patch = design.patch
    points = values.shape[1]
    visible = ~torch.isnan(values)
    # Relative to the first value, so that a level far from zero costs no digits.
    first = visible.to(torch.int8).argmax(dim=1, keepdim=True)
    reference = torch.nan_to_num(values.gather(1, first))
    moved = torch.where(visible, values - reference, 0.0)
    # A power of two changes no digit, and squares of any values then lie within float64.
    farthest = moved.abs().amax(dim=1, keepdim=True)
    size = torch.ldexp(torch.ones_like(farthest), torch.frexp(farthest).exponent - 1)  # (B, 1)
    moved = moved / size

    ends = torch.arange(patch - 1, points, patch, device=values.device)
    stats = _Statistics.of(moved, visible, ends, design.half_life)
    level, spread = stats.level, stats.spread  # (B, K)
    unit = torch.where(spread > 0, spread, 1.0)
    scaled_moved = torch.where(visible, moved, torch.nan)

    steps = torch.arange(design.window, device=values.device) - (design.window - 1)
    places = ends[:, None] + steps  # (K, L)
    window = scaled_moved[:, places.clamp(min=0)]
    window = torch.where(places >= 0, window, torch.nan)
    window = (window - level[..., None]) / unit[..., None]

    copies = torch.cat(
        [
            _seasonal(scaled_moved, moved, visible, period, origins, first, ends + 1, patch)
            for period in (season, long_season)
        ],
        dim=2,
    )
    copies = (copies - level[..., None, None]) / unit[..., None, None]  # (B, K, copies, p)

    last = (stats.last - level) / unit
    ahead = (ends + 1 - origins) / patch
    distance = patch * ahead[..., None] + torch.arange(1, patch + 1, device=values.device)
    drift = last[..., None] + distance * (stats.drift / unit)[..., None]
    plain = torch.stack([torch.zeros_like(drift), last[..., None].expand_as(drift), drift], dim=2)

    scalars = torch.stack(
        [
            torch.log1p(stats.count) / 5.0,
            last,
            _change(level, stats.count) / unit,
            _growth(spread),
            torch.log((stats.roughness / unit).clamp(1e-4, 1e2)),
            stats.drift / unit * patch,
            ahead / 8.0,
            torch.log(season.double())[:, None].expand_as(last) / 5.0,
            torch.log(long_season.double())[:, None].expand_as(last) / 5.0,
            (spread > 0).double(),
        ],
        dim=2,
    ).clamp(-5.0, 5.0)
    inputs = [
        torch.nan_to_num(window).clamp(-CLIP, CLIP),
        ~torch.isnan(window),
        torch.nan_to_num(copies).clamp(-CLIP, CLIP).flatten(2),
        (~torch.isnan(copies)).flatten(2),
        scalars,
    ]
    candidates = [plain, copies]
    if design.smoothings:
        smoothed, errors = smoothings(
            moved, visible, season, long_season, ends, patch, design.context
        )
        smoothed = (smoothed - level[..., None, None]) / unit[..., None, None]
        errors = torch.log((errors / unit[..., None]).clamp(1e-4, 1e2))
        candidates.append(smoothed)
        inputs += [torch.nan_to_num(smoothed[..., -1]).clamp(-CLIP, CLIP), errors]
    choices = torch.cat(candidates, dim=2).clamp(-CLIP, CLIP)
    return PatchFeatures(
        inputs=torch.cat(inputs, dim=2).transpose(0, 1).float(),
        candidates=choices.transpose(0, 1).float(),
        level=(level * size + reference).T,
        spread=(spread * size).T,
        observed=stats.count.T,
        ahead=ahead.T,
    )


def history_features(
    values: Tensor, season: int, long_season: int | None, design: PatchDesign
) -> PatchFeatures:
    """The features of histories (B, K·patch) that share their seasons; what is not NaN is known."""
    return patch_features(
        values,
        torch.full((len(values),), season),
        torch.full((len(values),), long_season or 1),
        origins_of(~torch.isnan(values), design.patch),
        design,
    )


def mirror(features: PatchFeatures, design: PatchDesign) -> PatchFeatures:
    """The features of the negated series, without computing them again."""
    kept, turned = torch.ones(1), -torch.ones(1)
    parts = [
        turned.expand(design.window),
        kept.expand(design.window),
        turned.expand(COPIES * design.patch),
        kept.expand(COPIES * design.patch),
        torch.where(torch.tensor(_TURNING), -1.0, 1.0),
        turned.expand(design.smoothings),
        kept.expand(design.smoothings),
    ]
    return replace(
        features,
        inputs=features.inputs * torch.cat(parts),
        candidates=-features.candidates,
        level=-features.level,
    )


def targets(values: Tensor, features: PatchFeatures, patch: int) -> Tensor:
    """(K − 1, B, p) what came after each position but the last, in its units; NaN for none.

    Values are (B, K·patch) with the future filled in, features of the same windows.
    """
    ahead = values.reshape(len(values), -1, patch)[:, 1:].transpose(0, 1)
    # Where nothing has moved yet there is no unit: whatever comes would have that of the data.
    spread = torch.where(features.spread > 0, features.spread, torch.nan)[:-1, :, None]
    return ((ahead - features.level[:-1, :, None]) / spread).clamp(-CLIP, CLIP).float()


@dataclass(frozen=True, eq=False)
class _Statistics:
    """Of the past at each position, (B, K) each: exponentially weighted, the newest most."""

    count: Tensor
    level: Tensor
    spread: Tensor
    last: Tensor
    drift: Tensor
    roughness: Tensor

    @classmethod
    def of(cls, moved: Tensor, visible: Tensor, ends: Tensor, half_life: int) -> _Statistics:
        rows, points = moved.shape
        index = torch.arange(points, device=moved.device)
        # From the beginning, not from the end: so a weight is what it is, however far ahead one
        # looks, and none that counts is below 1. In float64: sums of float32 lose six digits.
        growing = torch.exp2(index.double() / half_life)
        weight = torch.where(visible, growing, 0.0)
        total = torch.cumsum(weight, 1)[:, ends].clamp(min=1.0)
        level = torch.cumsum(weight * moved, 1)[:, ends] / total
        square = torch.cumsum(weight * moved * moved, 1)[:, ends] / total
        variance = square - level * level
        # What rounding leaves of a constant is not a spread.
        spread = torch.where(variance > 1e-14 * square, variance.clamp(min=0), 0.0).sqrt()

        newest = torch.where(visible, index, -1).cummax(dim=1).values  # (B, T)
        last = moved.gather(1, newest[:, ends].clamp(min=0))
        before = torch.cat([newest.new_full((rows, 1), -1), newest[:, :-1]], dim=1)
        pair = visible & (before >= 0)
        gap = torch.where(pair, index - before, 1)
        jump = torch.where(pair, moved - moved.gather(1, before.clamp(min=0)), 0.0)
        pair_weight = torch.where(pair, growing, 0.0)
        pairs = torch.cumsum(pair_weight, 1)[:, ends].clamp(min=1.0)
        drift = torch.cumsum(pair_weight * jump / gap, 1)[:, ends] / pairs
        roughness = torch.cumsum(pair_weight * jump.abs() / gap, 1)[:, ends] / pairs
        return cls(
            count=torch.cumsum(visible, 1)[:, ends].double(),
            level=level,
            spread=spread,
            last=last,
            drift=drift,
            roughness=roughness,
        )


def _seasonal(
    gappy: Tensor,
    moved: Tensor,
    visible: Tensor,
    period: Tensor,
    origins: Tensor,
    first: Tensor,
    begins: Tensor,
    patch: int,
) -> Tensor:
    """(B, K, copies, p) for each step to come: one season before, and the means of some seasons.

    A mean is taken of distances to the mean of each season and laid around the newest season's
    mean, so that a trend does not smear it.
    """
    rows = len(gappy)
    device = gappy.device
    if not bool((period > 1).any()):
        return gappy.new_full((rows, *origins.shape[1:], len(CYCLES), patch), torch.nan)
    period = period[:, None]
    zero = moved.new_zeros(rows, 1)
    sums = torch.cat([zero, torch.cumsum(moved, 1)], dim=1)
    counts = torch.cat([zero, torch.cumsum(visible, 1).double()], dim=1)
    cycle = torch.arange(CYCLES[-1] + 1, device=device)
    edges = origins[..., None] - cycle * period[..., None]  # (B, K, cycles + 1)
    # Whole seasons begin with the series, not with what is missing before it.
    inside = edges >= (first // patch * patch)[..., None]
    flat = edges.clamp(min=0).flatten(1)
    sum_at = sums.gather(1, flat).reshape(edges.shape)
    count_at = counts.gather(1, flat).reshape(edges.shape)
    count = count_at[..., :-1] - count_at[..., 1:]
    mean = (sum_at[..., :-1] - sum_at[..., 1:]) / count.clamp(min=1.0)
    whole = inside[..., 1:] & (2.0 * count >= period[..., None]) & (period[..., None] > 1)
    mean = torch.where(whole, mean, torch.nan)  # (B, K, cycles)

    step = begins[:, None] + torch.arange(patch, device=device)  # (K, p) the points to come
    back = torch.div(step - origins[..., None], period[..., None], rounding_mode="floor") + 1
    source = (step - back * period[..., None])[..., None] - cycle[:-1] * period[..., None, None]
    known = (source >= 0) & (period[..., None, None] > 1)
    found = gappy.gather(1, source.clamp(min=0).flatten(1)).reshape(source.shape)
    found = torch.where(known, found, torch.nan)  # (B, K, p, cycles)

    newest = _newest(found)
    centre = _newest(mean)[..., None]
    away = found - mean[:, :, None]
    means = [centre + torch.nanmean(away[..., :count], dim=-1) for count in CYCLES[1:]]
    return torch.stack([newest, *means], dim=2)


def _newest(cycles: Tensor) -> Tensor:
    """(…) of values in (…, cycles) the first that is not NaN; NaN where there is none."""
    found = cycles[..., -1]
    for older in range(cycles.shape[-1] - 2, -1, -1):
        found = torch.where(torch.isnan(cycles[..., older]), found, cycles[..., older])
    return found


def _change(moment: Tensor, count: Tensor) -> Tensor:
    """(B, K) how far it moved since the position before; 0 where that had no value yet."""
    change = torch.diff(moment, dim=1, prepend=moment[:, :1])
    before = torch.cat([count[:, :1], count[:, :-1]], dim=1)
    return torch.where(before > 0, change, 0.0)


def _growth(spread: Tensor) -> Tensor:
    """(B, K) how much wider it has become, as a logarithm; 0 where it was or is nothing."""
    before = torch.cat([spread[:, :1], spread[:, :-1]], dim=1)
    both = (spread > 0) & (before > 0)
    return torch.log(torch.where(both, spread, 1.0) / torch.where(both, before, 1.0))


def patches_of(points: NDArray[np.int64], design: PatchDesign) -> NDArray[np.int64]:
    """(B,) patches that hold the last `points`: of the context at most, one at least."""
    known: NDArray[np.int64] = -(-np.clip(points, 1, design.context) // design.patch)
    return known


def known_patches(
    series: SeriesSet, rows: NDArray[np.int64], ends: NDArray[np.int64], design: PatchDesign
) -> NDArray[np.int64]:
    """(B,) patches of each history from its first value on, of those that the context holds.

    Of the series `rows` (B,), `ends` (B,) points are known. What is missing before a series begins
    is not part of its past, whatever the table's first row.
    """
    points = np.zeros(len(rows), dtype=np.int64)
    for place, (row, end) in enumerate(zip(rows, ends, strict=True)):
        seen = ~np.isnan(series.one(row)[max(end - design.context, 0) : end])
        if seen.any():
            points[place] = len(seen) - seen.argmax()
    return patches_of(points, design)


def left_aligned(
    series: SeriesSet,
    rows: NDArray[np.int64],
    ends: NDArray[np.int64],
    known: NDArray[np.int64],
    positions: int,
    patch: int,
) -> NDArray[np.float64]:
    """(B, positions·patch): histories that end with their last known patch, and what came then.

    A recurrent network does not see what lies behind a position, so that rows of unequal length
    may share a batch and give what each would give alone. NaN before a series begins, after it
    ends, and in gaps.

    Arguments:
        ends: (B,) how many points of each are known.
        known: (B,) patches that these take, from `known_patches`.
        positions: patches of the batch; those behind the known ones are the future.
    """
    place = np.arange(positions * patch)[None, :] - (known * patch)[:, None]
    source = place + ends[:, None]
    inside = (source >= 0) & (source < series.lengths[rows][:, None])
    flat = np.where(inside, series.offsets[rows][:, None] + source, 0)
    if not len(series.values):
        return np.full(flat.shape, np.nan)
    return np.where(inside, series.values[flat], np.nan)
