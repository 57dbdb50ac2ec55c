"""One file per cell: its equations in plain torch, which every kernel is held against."""

from holdfast.engine.cells.cell import Cell as Cell
from holdfast.engine.cells.cell import State as State
from holdfast.engine.cells.cell import Weights as Weights
from holdfast.engine.cells.gru import GRU as GRU
from holdfast.engine.cells.lstm import LSTM as LSTM
from holdfast.engine.cells.rnn import RNN_RELU as RNN_RELU
from holdfast.engine.cells.rnn import RNN_TANH as RNN_TANH
