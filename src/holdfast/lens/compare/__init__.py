"""Recurrent networks compared on tasks whose lag is known, and as forecasters of a table."""
