"""Work of hours on top of forecasting: pretraining, and what it learns from."""
