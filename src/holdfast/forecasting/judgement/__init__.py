"""What a forecast is worth: simple methods, folds, scores, the blend and its intervals.

Arrays and numbers only, no torch: `forecaster` hands in what the network forecast.
"""

from holdfast.forecasting.judgement.backtest import BLEND as BLEND
from holdfast.forecasting.judgement.backtest import Applied as Applied
from holdfast.forecasting.judgement.backtest import Judgement as Judgement
from holdfast.forecasting.judgement.backtest import apply as apply
from holdfast.forecasting.judgement.backtest import judge as judge
from holdfast.forecasting.judgement.baselines import forecast_simple as forecast_simple
from holdfast.forecasting.judgement.baselines import naive2 as naive2
from holdfast.forecasting.judgement.baselines import simple_methods as simple_methods
from holdfast.forecasting.judgement.conformal import Intervals as Intervals
from holdfast.forecasting.judgement.folds import Fold as Fold
from holdfast.forecasting.judgement.folds import Folds as Folds
from holdfast.forecasting.judgement.folds import make_folds as make_folds
from holdfast.forecasting.judgement.metrics import seasonal_scale as seasonal_scale
from holdfast.forecasting.judgement.significance import Comparison as Comparison
from holdfast.forecasting.judgement.significance import compare as compare
from holdfast.forecasting.judgement.widths import Widths as Widths
from holdfast.forecasting.judgement.widths import residual_widths as residual_widths
from holdfast.forecasting.judgement.widths import stack_widths as stack_widths
