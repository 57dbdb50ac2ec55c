"""Frozen results that pass between floors: arrays and numbers, no frames and no pages.

Forecasting fills them in; reports and the command line read them.
"""

from holdfast.records.arrays import Floats, Times
from holdfast.records.forecast import (
    BacktestRecord,
    FoldRecord,
    ForecastRecord,
    LevelCoverage,
    MethodScore,
    TableSummary,
    TrainingSummary,
)
from holdfast.records.language import (
    ClassifierScores,
    PlannedText,
    SurpriseRecord,
    TagScore,
    TagScores,
    TextScore,
    TextTrainingRecord,
)
from holdfast.records.members import (
    ADAPTED,
    LSTM,
    LSTM_X,
    NETWORKS,
    PRETRAINED,
    PRETRAINED_X,
    TRAINED,
    WITH_COVARIATES,
)
from holdfast.records.speed import LayerSpeed
from holdfast.records.studies import CurvesRecord, PlannedTraining, PretrainedSummary, SamplesRecord
from holdfast.records.totals import TotalsRecord
from holdfast.records.trust import CARE, DISTRUST, TRUST, TrustRecord

__all__ = [
    "ADAPTED",
    "CARE",
    "DISTRUST",
    "LSTM",
    "LSTM_X",
    "NETWORKS",
    "PRETRAINED",
    "PRETRAINED_X",
    "TRAINED",
    "TRUST",
    "WITH_COVARIATES",
    "BacktestRecord",
    "ClassifierScores",
    "CurvesRecord",
    "Floats",
    "FoldRecord",
    "ForecastRecord",
    "LayerSpeed",
    "LevelCoverage",
    "MethodScore",
    "PlannedText",
    "PlannedTraining",
    "PretrainedSummary",
    "SamplesRecord",
    "SurpriseRecord",
    "TableSummary",
    "TagScore",
    "TagScores",
    "TextScore",
    "TextTrainingRecord",
    "Times",
    "TotalsRecord",
    "TrainingSummary",
    "TrustRecord",
]
