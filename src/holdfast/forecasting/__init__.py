"""Forecasting: tables in, honest forecasts out."""
