"""What a recurrent model remembers, for how long, and what of it reaches its output."""

from holdfast.lens.inspect import inspect as inspect
from holdfast.lens.prescription import force_forget as force_forget
from holdfast.lens.prescription import prescribe as prescribe
from holdfast.lens.sequence import sequence as sequence
