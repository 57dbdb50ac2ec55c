"""What a pretraining runs on: device, precision, processor, commit; no machine names, no paths."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path
from typing import Literal, TypeAlias

import torch

from holdfast import version
from holdfast.errors import ArgumentError, option
from holdfast.forecasting.pretrained.fine_tuning import Precision, native_precision

Device: TypeAlias = Literal["auto", "cpu", "cuda"]


def choose_device(device: Device) -> torch.device:
    """The device that a person means; "auto" is the GPU where torch can use one, else the CPU."""
    if device not in ("auto", "cpu", "cuda"):
        raise ArgumentError(f"{option('device', device)} is not known; take auto, cpu or cuda.")
    usable = device != "cpu" and torch.cuda.is_available()
    if device == "cuda" and not usable:
        raise ArgumentError(
            "device='cuda' asks for a GPU and torch sees none here; take cpu or auto."
        )
    return torch.device("cuda" if usable else "cpu")


def choose_precision(precision: Precision | Literal["auto"], device: torch.device) -> Precision:
    """What to multiply in; "auto" is bfloat16 where the processor has instructions for it."""
    if precision not in ("auto", "float32", "bfloat16"):
        raise ArgumentError(
            f"{option('precision', precision)} is not known; take auto, float32 or bfloat16."
        )
    return native_precision(device.type) if precision == "auto" else precision


_SECONDS = 10.0


def cpu_model() -> str:
    """The processor's model as the system names it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() == "model name" and value.strip():
            return value.strip()
    return platform.processor() or platform.machine() or "unknown"


def commit() -> str | None:
    """The commit of the checkout that the package runs from; None where it runs from none.

    ``-modified`` is appended where files of the package differ from that commit.
    """
    package = Path(version.__file__).resolve().parent
    top = _git(package, "rev-parse", "--show-toplevel")
    # An environment inside some other repository says nothing about this package.
    if top is None or package != Path(top).resolve() / "src" / "holdfast":
        return None
    head = _git(package, "rev-parse", "HEAD")
    if head is None:
        return None
    changed = _git(package, "status", "--porcelain", "--", ".")
    return head if changed == "" else f"{head}-modified"


def _git(folder: Path, *words: str) -> str | None:
    """What git says in a folder; None where there is no git or no repository."""
    try:
        ended = subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return ended.stdout.strip() if ended.returncode == 0 else None
