"""Frozen results that pass between floors: arrays and numbers, no frames and no pages.

Forecasting, language, the lens and pretraining fill them in; reports and the command line read
them. Each module holds the results of the package of its name.
"""

from holdfast.records.forecast import ADAPTED as ADAPTED
from holdfast.records.forecast import CARE as CARE
from holdfast.records.forecast import DISTRUST as DISTRUST
from holdfast.records.forecast import LSTM as LSTM
from holdfast.records.forecast import LSTM_X as LSTM_X
from holdfast.records.forecast import NETWORKS as NETWORKS
from holdfast.records.forecast import PRETRAINED as PRETRAINED
from holdfast.records.forecast import PRETRAINED_X as PRETRAINED_X
from holdfast.records.forecast import TRAINED as TRAINED
from holdfast.records.forecast import TRUST as TRUST
from holdfast.records.forecast import WITH_COVARIATES as WITH_COVARIATES
from holdfast.records.forecast import AnomalyRecord as AnomalyRecord
from holdfast.records.forecast import BacktestRecord as BacktestRecord
from holdfast.records.forecast import Floats as Floats
from holdfast.records.forecast import FoldRecord as FoldRecord
from holdfast.records.forecast import ForecastRecord as ForecastRecord
from holdfast.records.forecast import LevelCoverage as LevelCoverage
from holdfast.records.forecast import MethodScore as MethodScore
from holdfast.records.forecast import TableSummary as TableSummary
from holdfast.records.forecast import Times as Times
from holdfast.records.forecast import TotalsRecord as TotalsRecord
from holdfast.records.forecast import TrainingSummary as TrainingSummary
from holdfast.records.forecast import TrustRecord as TrustRecord
from holdfast.records.language import ClassifierRecord as ClassifierRecord
from holdfast.records.language import ClassifierScores as ClassifierScores
from holdfast.records.language import ConfusedTags as ConfusedTags
from holdfast.records.language import ExplainedText as ExplainedText
from holdfast.records.language import PlannedText as PlannedText
from holdfast.records.language import SurpriseRecord as SurpriseRecord
from holdfast.records.language import TaggedWords as TaggedWords
from holdfast.records.language import TaggerRecord as TaggerRecord
from holdfast.records.language import TagScore as TagScore
from holdfast.records.language import TagScores as TagScores
from holdfast.records.language import TextScore as TextScore
from holdfast.records.language import TextTrainingRecord as TextTrainingRecord
from holdfast.records.language import WarmStartComparison as WarmStartComparison
from holdfast.records.language import WordImportance as WordImportance
from holdfast.records.lens import Attribution as Attribution
from holdfast.records.lens import ComparedRun as ComparedRun
from holdfast.records.lens import ContextLoss as ContextLoss
from holdfast.records.lens import ForecastComparison as ForecastComparison
from holdfast.records.lens import GateActivity as GateActivity
from holdfast.records.lens import Inspection as Inspection
from holdfast.records.lens import Ints as Ints
from holdfast.records.lens import LagCurve as LagCurve
from holdfast.records.lens import LayerMemory as LayerMemory
from holdfast.records.lens import LayerSpeed as LayerSpeed
from holdfast.records.lens import MemoryComparison as MemoryComparison
from holdfast.records.lens import SequenceLabels as SequenceLabels
from holdfast.records.lens import SequenceRecord as SequenceRecord
from holdfast.records.lens import UnitsInTime as UnitsInTime
from holdfast.records.pretraining import CurvesRecord as CurvesRecord
from holdfast.records.pretraining import PlannedTraining as PlannedTraining
from holdfast.records.pretraining import PretrainedSummary as PretrainedSummary
from holdfast.records.pretraining import SamplesRecord as SamplesRecord
