"""What a forecast is worth: simple methods, folds, scores, the blend and its intervals.

Arrays and numbers only, no torch: `forecaster` hands in what the network forecast.
"""
