"""Covariates: how they become numbers, what they do to a series, and networks that read them."""
