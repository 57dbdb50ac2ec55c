"""One file per cell: its equations in plain torch, which every kernel is held against."""

from holdfast.engine.cells.cell import NEUTRAL as NEUTRAL
from holdfast.engine.cells.cell import NO_MASKS as NO_MASKS
from holdfast.engine.cells.cell import Cell as Cell
from holdfast.engine.cells.cell import Options as Options
from holdfast.engine.cells.cell import State as State
from holdfast.engine.cells.cell import StepMasks as StepMasks
from holdfast.engine.cells.cell import Weights as Weights
from holdfast.engine.cells.gru import GRU as GRU
from holdfast.engine.cells.lstm import LSTM as LSTM
from holdfast.engine.cells.masks import Masks as Masks
from holdfast.engine.cells.rnn import RNN_RELU as RNN_RELU
from holdfast.engine.cells.rnn import RNN_TANH as RNN_TANH
from holdfast.engine.cells.slstm import SLSTM as SLSTM
