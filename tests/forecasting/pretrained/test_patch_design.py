from __future__ import annotations

import pytest

from holdfast.errors import ModelError
from holdfast.forecasting.pretrained.design import COARSE, FINE, PatchDesign


@pytest.mark.parametrize("design", [FINE, COARSE])
def test_a_design_comes_back_from_its_fields(design: PatchDesign) -> None:
    assert PatchDesign.from_json(design.to_json()) == design


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("patch", bad) for bad in (0, 1025, "4", 4.0, True, None)],
        *[("window", bad) for bad in (0, 4097)],
        *[("context", bad) for bad in (-4, 65_537)],
        *[("half_life", bad) for bad in (0, 65_537)],
        *[("hidden", bad) for bad in (0, 4097)],
        *[("blocks", bad) for bad in (0, 65)],
        *[("smoothings", bad) for bad in (-1, 1, 5, 7, True)],
    ],
)
def test_an_impossible_size_in_a_file_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ModelError, match=f"impossible {name}"):
        PatchDesign.from_json(FINE.to_json() | {name: value})


@pytest.mark.parametrize("name", ["window", "context"])
def test_parts_of_a_patch_are_refused(name: str) -> None:
    with pytest.raises(ModelError, match=f"{name} is not whole patches"):
        PatchDesign.from_json(FINE.to_json() | {name: 30})


@pytest.mark.parametrize("fields", [[], {}, {"patch": 4}, FINE.to_json() | {"lags": 1}])
def test_missing_and_unknown_fields_are_refused(fields: object) -> None:
    with pytest.raises(ModelError, match="missing or unknown"):
        PatchDesign.from_json(fields)
