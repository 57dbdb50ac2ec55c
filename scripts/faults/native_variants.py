"""Faults of the compiled kernels' variants: each option forward and backward, and the sLSTM."""

from __future__ import annotations

from faults.fault import Fault
from faults.native import CONTRACT, LSTM

EACH = (CONTRACT + "test_each_variant_is_as_exact_as_its_elementary_operators",)
EXPECTED = (CONTRACT + "test_zoneout_without_masks_is_the_expectation",)
SEGMENTS = ("tests/nn/test_variants_inside.py::test_segments_draw_the_masks_of_the_plain_call",)

FORWARD = "a compiled variant is wrong"
BACKWARD = "the derivative of a compiled variant is wrong"

VARIANT, BACK = "native/variant.hpp", "native/variant_unwinding.hpp"
MASKS, SLSTM = "native/masks.hpp", "native/cells/slstm.hpp"

FAULTS: tuple[Fault, ...] = (
    Fault(
        FORWARD, "compiled peepholes: the input gate does not look", LSTM,
        "a_i += look.i * c, a_f += look.f * c;", "a_f += look.f * c;", EACH,
    ),
    Fault(
        FORWARD, "compiled peepholes: the output gate looks at the cell before it is bounded", LSTM,
        "      c = clipped(c, look.clip);\n      if (look.peepholes) a_o += look.o * c;",
        "      if (look.peepholes) a_o += look.o * c;\n      c = clipped(c, look.clip);", EACH,
    ),
    Fault(
        FORWARD, "compiled peepholes: the output gate has the forget gate's weights", VARIANT,
        "load(from + (Cell::gates - 2) * H, there);", "load(from + H, there);", EACH,
    ),
    Fault(
        FORWARD, "compiled coupled gates: what comes in is also what is kept", LSTM,
        "const V f = COUPLED ? 1 - i :", "const V f = COUPLED ? i :", EACH,
    ),
    Fault(
        FORWARD, "compiled bound of the cell: there is none below", LSTM,
        "return c < -clip ? fill<Real>(-clip) : c;", "return c;", EACH,
    ),
    Fault(
        FORWARD, "compiled normalisation: the lanes beyond the last unit count", VARIANT,
        "off = cut<Real>(piece(unit, p) - mean, left<Real>(unit, units));",
        "off = piece(unit, p) - mean;", EACH,
    ),
    Fault(
        FORWARD, "compiled normalisation: W_hh h has the gain of W_ih x", VARIANT,
        "load(at(call.norm_hh, row), there);", "load(at(call.norm_ih, row), there);", EACH,
    ),
    Fault(
        FORWARD, "compiled normalisation: the cell goes out as it is", VARIANT,
        "normed ? normal_cell(c, moments, unit, there) : c);", "c);", EACH,
    ),
    Fault(
        FORWARD, "compiled normalisation: a GRU's gates and candidate are one vector",
        "native/cells/gru.hpp", "together = 2;", "together = 3;", EACH,
    ),
    Fault(
        FORWARD, "compiled projection: its first column serves every unit", VARIANT,
        "*at(call.weight_hr, p * H + k)", "*at(call.weight_hr, p * H)", EACH,
    ),
    Fault(
        FORWARD, "compiled dropout: what stays is not enlarged", MASKS,
        "static_cast<Real>(1 / (1 - probability))", "static_cast<Real>(1)", EACH,
    ),
    Fault(
        FORWARD, "compiled masks: they are those of another random function", MASKS,
        "y += schedule[(turn + 2) % 3] + turn + 1;", "y += schedule[(turn + 2) % 3] + turn;", EACH,
    ),
    Fault(
        FORWARD, "compiled zoneout: old and new change places", MASKS,
        "keeps(first_step + time, row, unit) ? after : before;",
        "keeps(first_step + time, row, unit) ? before : after;", EACH,
    ),
    Fault(
        FORWARD, "compiled zoneout: h takes the mask of c", VARIANT,
        "hidden_mask(given, 1,", "hidden_mask(given, 2,", EACH,
    ),
    Fault(
        FORWARD, "compiled zoneout: a segment draws its masks as if it were the first", MASKS,
        "keeps(first_step + time, row, unit) ? after : before;",
        "keeps(time, row, unit) ? after : before;", SEGMENTS,
    ),
    Fault(
        FORWARD, "compiled zoneout: outside training the shares change places", MASKS,
        "return share * before + (1 - share) * after;",
        "return (1 - share) * before + share * after;", EXPECTED,
    ),
    Fault(
        FORWARD, "compiled sLSTM: the stabiliser follows the input gate alone", SLSTM,
        "m = a[0] < kept ? kept : a[0];", "m = a[0];", EACH,
    ),
    Fault(
        FORWARD, "compiled sLSTM: a cell that has seen nothing has a scale", SLSTM,
        "const V kept = n == V{} ? fill<Real>(-static_cast<Real>(__builtin_inf())) : log_f + m;",
        "const V kept = log_f + m;", EACH,
    ),
    Fault(
        FORWARD, "compiled sLSTM: the normaliser counts steps, not input gates", SLSTM,
        "n = f * n + i;", "n = f * n + 1;", EACH,
    ),
    Fault(
        FORWARD, "compiled sLSTM: the normaliser is not divided by", SLSTM,
        "return o * (c / n);", "return o * c;", EACH,
    ),
    Fault(
        FORWARD, "compiled sLSTM: the forget gate is e^a where it should be a sigmoid", SLSTM,
        "if (!exponential_forget) {", "if (false && !exponential_forget) {", EACH,
    ),
    Fault(
        BACKWARD, "compiled peepholes: nothing goes back through the output gate's", LSTM,
        "if (look.peepholes) dc += da[o_slot] * look.o;", "", EACH,
    ),
    Fault(
        BACKWARD, "compiled peepholes: nothing goes back through the forget gate's", LSTM,
        "dc += da[0] * look.i + (COUPLED ? V{} : da[1] * look.f);", "dc += da[0] * look.i;", EACH,
    ),
    Fault(
        BACKWARD, "compiled peepholes: the output gate's weights learn from the old cell", BACK,
        "da[Cell::o_slot] * load(trail.cell.data + unit, there),", "da[Cell::o_slot] * c_before,",
        EACH,
    ),
    Fault(
        BACKWARD, "compiled coupled gates: the gradient forgets what is kept", LSTM,
        "(COUPLED ? g - c_before : g)", "g", EACH,
    ),
    Fault(
        BACKWARD, "compiled bound of the cell: the gradient goes past it", LSTM,
        "dc = c > look.clip ? V{} : dc;", "", EACH,
    ),
    Fault(
        BACKWARD, "compiled normalisation: the gradient of the sums has a slope left", BACK,
        "(through - mean - value * slope) * scale", "(through - mean) * scale", EACH,
    ),
    Fault(
        BACKWARD, "compiled normalisation: the gradient of the cell has a mean left", BACK,
        "(load<Real>(reaching + unit, there) - mean - normal * slope)",
        "(load<Real>(reaching + unit, there) - normal * slope)", EACH,
    ),
    Fault(
        BACKWARD, "compiled normalisation: the cell's gain learns like its shift", BACK,
        "add(extra + of_norm_c + unit, dc * normal, there);",
        "add(extra + of_norm_c + unit, dc, there);", EACH,
    ),
    Fault(
        BACKWARD, "compiled projection: it learns from the squashed cell without the gate", BACK,
        "store(trail.hidden.data + index * H + unit, o * squashed, there);",
        "store(trail.hidden.data + index * H + unit, squashed, there);", EACH,
    ),
    Fault(
        BACKWARD, "compiled dropout: the gradient comes back undropped", BACK,
        "load(through[row] + unit, there) * factor;", "load(through[row] + unit, there);", EACH,
    ),
    Fault(
        BACKWARD, "compiled dropout: W_hh learns from what it did not see", BACK,
        "return Base::seen(row, trail.seen.data);", "return row.h_before;", EACH,
    ),
    Fault(
        BACKWARD, "compiled zoneout: nothing goes back to what was kept", MASKS,
        "dv = truth ? V{} : all;", "dv = V{};", EACH,
    ),
    Fault(
        BACKWARD, "compiled zoneout: outside training all goes back to the new value", MASKS,
        "return (1 - share) * all;", "return all;", EXPECTED,
    ),
    Fault(
        BACKWARD, "compiled sLSTM: nothing goes back through the normaliser's division", SLSTM,
        "dn -= dh * o * ratio / n;", "", EACH,
    ),
    Fault(
        BACKWARD, "compiled sLSTM: nothing goes back through the stabiliser", SLSTM,
        "const V of_m = dm - through_i - through_f;", "const V of_m = dm;", EACH,
    ),
    Fault(
        BACKWARD, "compiled sLSTM: the normaliser's gradient is not forgotten", SLSTM,
        "dn = dn * f;", "", EACH,
    ),
    Fault(
        BACKWARD, "compiled sLSTM: the forget gate's sigmoid has the other slope", SLSTM,
        "slope = sigmoid<Real>(-a[1]);", "slope = sigmoid<Real>(a[1]);", EACH,
    ),
)  # fmt: skip
