"""Records in; pages, tables for the terminal and JSON out.

`holdfast.reports.terminal` imports rich, so it is not imported here.
"""

from holdfast.reports.saving import save as save
from holdfast.reports.summary import as_json as as_json
