"""Recurrences: each cell's equations, the kernels that compute them, the choice of a kernel."""
