"""Forecasting: tables in, honest forecasts out."""

from holdfast.tables.examples import Example as Example
from holdfast.tables.examples import example as example
