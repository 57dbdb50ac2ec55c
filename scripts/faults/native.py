"""Faults of the compiled kernels: every gate forward and backward, and how they are fed."""

from __future__ import annotations

from faults.fault import Fault

CONTRACT = "tests/engine/test_contract.py::"
THREADS = "tests/engine/test_kernel_threads.py::"
EXACT = (CONTRACT + "test_no_result_is_further_off_than_its_sums_may_be_rounded",)

FORWARD = "a gate of a compiled kernel is wrong"
BACKWARD = "the derivative of a compiled kernel's gate is wrong"
FEEDING = "a compiled kernel reads or writes the wrong place"
BESIDE = "a compiled kernel does not survive its surroundings"

LSTM, GRU, RNN = (f"native/cells/{name}.hpp" for name in ("lstm", "gru", "rnn"))
PASS, UNWIND = "native/pass.hpp", "native/backward.hpp"

FAULTS: tuple[Fault, ...] = (
    Fault(
        FORWARD, "compiled LSTM: the forget gate is missing", LSTM,
        "c = f * c + i * g;", "c = c + i * g;", EXACT,
    ),
    Fault(
        FORWARD, "compiled LSTM: the input gate is missing", LSTM,
        "c = f * c + i * g;", "c = f * c + g;", EXACT,
    ),
    Fault(
        FORWARD, "compiled LSTM: forget and input gate change places", LSTM,
        "c = f * c + i * g;", "c = i * c + f * g;", EXACT,
    ),
    Fault(
        FORWARD, "compiled LSTM: the candidate has the wrong sign", LSTM,
        "c = f * c + i * g;", "c = f * c - i * g;", EXACT,
    ),
    Fault(
        FORWARD, "compiled LSTM: the candidate is a sigmoid", LSTM,
        "const V g = tanh<Real>(a[", "const V g = sigmoid<Real>(a[", EXACT,
    ),
    Fault(
        FORWARD, "compiled LSTM: the output gate is missing", LSTM,
        "return o * tanh<Real>(c);", "return tanh<Real>(c);", EXACT,
    ),
    Fault(
        FORWARD, "compiled LSTM: the cell is not squashed", LSTM,
        "return o * tanh<Real>(c);", "return o * c;", EXACT,
    ),
    Fault(
        FORWARD, "compiled GRU: the reset gate is missing", GRU,
        "a[2] + r * a[3]", "a[2] + a[3]", EXACT,
    ),
    Fault(
        FORWARD, "compiled GRU: the reset gate acts on the input too", GRU,
        "a[2] + r * a[3]", "r * (a[2] + a[3])", EXACT,
    ),
    Fault(
        FORWARD, "compiled GRU: the reset gate is the wrong way round", GRU,
        "const V r = sigmoid<Real>(a[0]);", "const V r = sigmoid<Real>(-a[0]);", EXACT,
    ),
    Fault(
        FORWARD, "compiled GRU: the update gate reads the reset gate's sum", GRU,
        "const V z = sigmoid<Real>(a[1]);", "const V z = sigmoid<Real>(a[0]);", EXACT,
    ),
    Fault(
        FORWARD, "compiled GRU: 1 − z is missing", GRU,
        "return (1 - z) * n + z * h_before;", "return n + z * h_before;", EXACT,
    ),
    Fault(
        FORWARD, "compiled GRU: the update gate is the wrong way round", GRU,
        "return (1 - z) * n + z * h_before;", "return z * n + (1 - z) * h_before;", EXACT,
    ),
    Fault(
        FORWARD, "compiled RNN: the state is not squashed by tanh", RNN,
        ": tanh<Real>(a[0]);", ": sigmoid<Real>(a[0]);", EXACT,
    ),
    Fault(
        FORWARD, "compiled RNN with relu: what is negative stays", RNN,
        "(a[0] < V{} ? V{} : a[0])", "(a[0] < V{} ? -a[0] : a[0])", EXACT,
    ),
    Fault(
        BACKWARD, "compiled LSTM: the gradient of c lacks the output gate", LSTM,
        "dh * o * (1 - squashed * squashed);", "dh * (1 - squashed * squashed);", EXACT,
    ),
    Fault(
        BACKWARD, "compiled LSTM: the gradient of c lacks tanh's derivative", LSTM,
        "dh * o * (1 - squashed * squashed);", "dh * o;", EXACT,
    ),
    Fault(
        BACKWARD, "compiled LSTM: the input gate's gradient has the wrong sign", LSTM,
        "* i * (1 - i);", "* i * (i - 1);", EXACT,
    ),
    Fault(
        BACKWARD, "compiled LSTM: the input gate's gradient lacks a factor", LSTM,
        "* i * (1 - i);", "* (1 - i);", EXACT,
    ),
    Fault(
        BACKWARD, "compiled LSTM: the forget gate's gradient takes i for f", LSTM,
        "dc * c_before * f * (1 - f);", "dc * c_before * i * (1 - i);", EXACT,
    ),
    Fault(
        BACKWARD, "compiled LSTM: the forget gate's gradient lacks the cell", LSTM,
        "dc * c_before * f * (1 - f);", "dc * f * (1 - f);", EXACT,
    ),
    Fault(
        BACKWARD, "compiled LSTM: the candidate's gradient lacks the input gate", LSTM,
        "dc * i * (1 - g * g);", "dc * (1 - g * g);", EXACT,
    ),
    Fault(
        BACKWARD, "compiled LSTM: the candidate's gradient lacks tanh's derivative", LSTM,
        "dc * i * (1 - g * g);", "dc * i;", EXACT,
    ),
    Fault(
        BACKWARD, "compiled LSTM: the output gate's gradient lacks the squashed cell", LSTM,
        "dh * squashed * o * (1 - o);", "dh * o * (1 - o);", EXACT,
    ),
    Fault(
        BACKWARD, "compiled LSTM: the output gate's gradient lacks a factor", LSTM,
        "dh * squashed * o * (1 - o);", "dh * squashed * o;", EXACT,
    ),
    Fault(
        BACKWARD, "compiled LSTM: the gradient goes back through i for f", LSTM,
        "dc = dc * f;", "dc = dc * i;", EXACT,
    ),
    Fault(
        BACKWARD, "compiled GRU: the candidate's gradient takes z for 1 − z", GRU,
        "da[0] = dh * (1 - z) * (1 - n * n);", "da[0] = dh * z * (1 - n * n);", EXACT,
    ),
    Fault(
        BACKWARD, "compiled GRU: the candidate's gradient lacks tanh's derivative", GRU,
        "da[0] = dh * (1 - z) * (1 - n * n);", "da[0] = dh * (1 - z);", EXACT,
    ),
    Fault(
        BACKWARD, "compiled GRU: the reset gate's gradient lacks the state's part", GRU,
        "da[1] = da[0] * slot[3] * r * (1 - r);", "da[1] = da[0] * r * (1 - r);", EXACT,
    ),
    Fault(
        BACKWARD, "compiled GRU: the update gate's gradient has the wrong sign", GRU,
        "dh * (h_before - n) * z * (1 - z);", "dh * (n - h_before) * z * (1 - z);", EXACT,
    ),
    Fault(
        BACKWARD, "compiled GRU: the update gate's gradient lacks a factor", GRU,
        "dh * (h_before - n) * z * (1 - z);", "dh * (h_before - n) * z;", EXACT,
    ),
    Fault(
        BACKWARD, "compiled GRU: the state's sum gets no reset gate", GRU,
        "da[3] = da[0] * r;", "da[3] = da[0];", EXACT,
    ),
    Fault(
        BACKWARD, "compiled GRU: nothing goes back past the gates", GRU,
        "return dh * z;", "return V{};", EXACT,
    ),
    Fault(
        BACKWARD, "compiled RNN: tanh's derivative lacks a square", RNN,
        "dh * (1 - h * h);", "dh * (1 - h);", EXACT,
    ),
    Fault(
        BACKWARD, "compiled RNN with relu: the gradient passes what was cut off", RNN,
        "(h <= V{} ? V{} : dh)", "dh", EXACT,
    ),
    Fault(
        FEEDING, "a bias is left out where the weights are packed", PASS,
        "apart ? bias_x : bias_x + bias_h;", "bias_x;", EXACT,
    ),
    Fault(
        FEEDING, "the bias beside the reset gate is left out", PASS,
        "column % lanes] = bias_h;", "column % lanes] = 0;", EXACT,
    ),
    Fault(
        FEEDING, "the gates of W_ih are packed in the order of W_hh's slots", UNWIND,
        "at(call.weight_ih, 0), I, Cell::turned);", "at(call.weight_ih, 0), I, 0);", EXACT,
    ),
    Fault(
        FEEDING, "a ragged row does not begin from its own state", PASS,
        "first = row >= rows_at(neighbour);", "first = neighbour < 0 || neighbour >= T;", EXACT,
    ),
    Fault(
        FEEDING, "a row goes on from its neighbour's state", PASS,
        "offset(neighbour) + row", "offset(neighbour) + (row > 0 ? row - 1 : row)", EXACT,
    ),
    Fault(
        FEEDING, "every block of rows writes its inputs' gradients to the first", UNWIND,
        "(this->offset(now) + low + index) * I);", "(this->offset(now) + index) * I);", EXACT,
    ),
    Fault(
        FEEDING, "reverse passes are read forwards", "native/forward.hpp",
        "return call.reverse ? T - 1 - turn : turn;", "return turn;", EXACT,
    ),
    Fault(
        FEEDING, "reverse passes are differentiated forwards", UNWIND,
        "return call.reverse ? turn : T - 1 - turn;", "return T - 1 - turn;", EXACT,
    ),
    Fault(
        FEEDING, "the gradient of the bias beside the reset gate is lost", UNWIND,
        "if (!Base::one_sum) *to = 1;", "if (!Base::one_sum) *to = 0;", EXACT,
    ),
    Fault(
        FEEDING, "the weights' gradients are handed over in the order of the slots", UNWIND,
        "turned = (Cell::gates - Cell::turned) % Cell::gates;", "turned = 0;", EXACT,
    ),
    Fault(
        FEEDING, "only the last thread's share of the weights' gradients counts", UNWIND,
        "sum += column[", "sum = column[",
        (THREADS + "test_the_loop_gives_the_same_bits_on_any_number_of_threads",),
    ),
    Fault(
        BESIDE, "NaN is cut off like a large number", "native/simd.hpp",
        "return x > bound ? bound : x;", "return x < bound ? x : bound;",
        (THREADS
         + "test_what_is_not_finite_stays_in_its_row_and_reaches_output_and_gradients_there",),
    ),
    Fault(
        BESIDE, "a forked child waits for the threads of its parent", "native/bindings.cpp",
        "[] { forked = true; }", "[] {}",
        (THREADS + "test_a_forked_child_computes_and_has_its_parents_numbers",),
    ),
    Fault(
        BESIDE, "a stepper in a forked child does", "native/bindings.cpp",
        "stream->step(x, forked);", "stream->step(x, false);",
        (THREADS + "test_a_stepper_goes_on_in_a_forked_child",),
    ),
)  # fmt: skip
