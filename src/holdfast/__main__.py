"""``python -m holdfast`` is the ``holdfast`` command."""

from __future__ import annotations

from holdfast.cli.main import run

if __name__ == "__main__":
    run()
