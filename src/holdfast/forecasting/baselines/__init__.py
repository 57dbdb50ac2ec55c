"""Simple methods that stand beside the network: one file each, arrays in and out, no torch."""
