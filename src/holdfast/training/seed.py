"""Random numbers as a function of a seed and of what they are for; no global state.

A stream is named by its seed and its keys, so that nothing has to be stored to come back to it:
``generator(seed, "batch", step)`` gives the same numbers before and after a crash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from operator import index

import numpy as np
import torch

_DIGEST_BYTES = 16  # the key of Philox 4x64: two words of 64 bits


def generator(seed: int, *keys: int | str) -> np.random.Generator:
    """A numpy generator that depends on the seed and the keys alone; ``"1"`` and ``1`` differ.

    It draws from the counter-based stream Philox 4x64 (Salmon et al. 2011, "Parallel random
    numbers: as easy as 1, 2, 3"), its key a hash of the seed and the keys.
    """
    return np.random.Generator(np.random.Philox(key=int.from_bytes(_digest(seed, keys), "little")))


def torch_seed(seed: int, *keys: int | str) -> int:
    """A seed for ``torch.Generator.manual_seed``, below 2⁶³, from the seed and the keys alone."""
    return int.from_bytes(_digest(seed, keys)[:8], "little") >> 1


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Inside, torch's own random numbers start from `seed`; outside, nothing has happened.

    Dropout draws from torch's global generators and takes no other. Saving, seeding and restoring
    the CPU's generator costs 2 µs, ``torch.random.fork_rng`` with ``torch.manual_seed`` 120 µs. The
    CPU's generator is covered whatever the device.
    """
    state = torch.get_rng_state()
    try:
        torch.default_generator.manual_seed(seed)
        if device.type == "cpu":
            yield
        else:
            accelerator = torch.get_device_module(device)
            accelerator_state = accelerator.get_rng_state(device)
            try:
                with accelerator.device(device):
                    accelerator.manual_seed(seed)
                yield
            finally:
                accelerator.set_rng_state(accelerator_state, device)
    finally:
        torch.set_rng_state(state)


def _digest(seed: int, keys: tuple[int | str, ...]) -> bytes:
    """A hash that no two different lists of keys share (lengths and types are part of it)."""
    parts = [str(index(seed))]
    for key in keys:
        parts.append(f"s{len(key)}:{key}" if isinstance(key, str) else f"i{index(key)}")
    return hashlib.blake2b("|".join(parts).encode(), digest_size=_DIGEST_BYTES).digest()
