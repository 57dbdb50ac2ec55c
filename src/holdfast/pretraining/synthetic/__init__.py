"""Synthetic series: what a forecaster is pretrained on before it sees any real table."""
