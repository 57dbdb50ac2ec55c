"""Measurements; each script prints what it measured and appends it to a CSV in results/."""
