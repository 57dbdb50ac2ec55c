"""Recurrent layers with torch's signatures and `state_dict`, made to remember."""

from holdfast.nn.convert import convert as convert
from holdfast.nn.explanation import explain as explain
from holdfast.nn.gru import GRU as GRU
from holdfast.nn.gru_cell import GRUCell as GRUCell
from holdfast.nn.inspectable import Inspectable as Inspectable
from holdfast.nn.lstm import LSTM as LSTM
from holdfast.nn.lstm_cell import LSTMCell as LSTMCell
from holdfast.nn.rnn import RNN as RNN
from holdfast.nn.rnn_cell import RNNCell as RNNCell
from holdfast.nn.slstm import SLSTM as SLSTM
from holdfast.nn.stack import by_equations as by_equations
from holdfast.nn.tracing import GRUTrace as GRUTrace
from holdfast.nn.tracing import LSTMTrace as LSTMTrace
from holdfast.nn.tracing import RNNTrace as RNNTrace
from holdfast.nn.tracing import SLSTMTrace as SLSTMTrace
