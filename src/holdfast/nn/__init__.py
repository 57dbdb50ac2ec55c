"""Recurrent layers with torch's signatures and `state_dict`, made to remember."""

from holdfast.nn.cells import GRUCell as GRUCell
from holdfast.nn.cells import LSTMCell as LSTMCell
from holdfast.nn.cells import RNNCell as RNNCell
from holdfast.nn.convert import convert as convert
from holdfast.nn.gru_rnn import GRU as GRU
from holdfast.nn.gru_rnn import RNN as RNN
from holdfast.nn.inspectable import Inspectable as Inspectable
from holdfast.nn.lstm import LSTM as LSTM
from holdfast.nn.recurrent import explain as explain
from holdfast.nn.slstm import SLSTM as SLSTM
from holdfast.nn.stack import by_equations as by_equations
from holdfast.nn.tracing import GRUTrace as GRUTrace
from holdfast.nn.tracing import LSTMTrace as LSTMTrace
from holdfast.nn.tracing import RNNTrace as RNNTrace
from holdfast.nn.tracing import SLSTMTrace as SLSTMTrace
