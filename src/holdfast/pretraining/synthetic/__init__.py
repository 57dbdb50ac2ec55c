"""The generator of synthetic series; numpy only."""
