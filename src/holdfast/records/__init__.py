"""Frozen results that pass between floors: arrays and numbers, no frames and no pages.

Forecasting fills them in; reports and the command line read them.
"""

from holdfast.records.anomalies import AnomalyRecord
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
from holdfast.records.inspection import (
    Attribution,
    ContextLoss,
    GateActivity,
    Inspection,
    Ints,
    LagCurve,
    LayerMemory,
    SequenceRecord,
    SequenceWords,
    UnitsInTime,
)
from holdfast.records.language import (
    ClassifierRecord,
    ClassifierScores,
    DecidedText,
    DecidingWord,
    PlannedText,
    StartComparison,
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
from holdfast.records.memory_comparison import (
    ComparedRun,
    ForecastComparison,
    MemoryComparison,
)
from holdfast.records.speed import LayerSpeed
from holdfast.records.studies import CurvesRecord, PlannedTraining, PretrainedSummary, SamplesRecord
from holdfast.records.tagger import ConfusedTags, TaggedWords, TaggerRecord
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
    "AnomalyRecord",
    "Attribution",
    "BacktestRecord",
    "ClassifierRecord",
    "ClassifierScores",
    "ComparedRun",
    "ConfusedTags",
    "ContextLoss",
    "CurvesRecord",
    "DecidedText",
    "DecidingWord",
    "Floats",
    "FoldRecord",
    "ForecastComparison",
    "ForecastRecord",
    "GateActivity",
    "Inspection",
    "Ints",
    "LagCurve",
    "LayerMemory",
    "LayerSpeed",
    "LevelCoverage",
    "MemoryComparison",
    "MethodScore",
    "PlannedText",
    "PlannedTraining",
    "PretrainedSummary",
    "SamplesRecord",
    "SequenceRecord",
    "SequenceWords",
    "StartComparison",
    "SurpriseRecord",
    "TableSummary",
    "TagScore",
    "TagScores",
    "TaggedWords",
    "TaggerRecord",
    "TextScore",
    "TextTrainingRecord",
    "Times",
    "TotalsRecord",
    "TrainingSummary",
    "TrustRecord",
    "UnitsInTime",
]
