"""More rows than memory: a folder of partitions, done one batch of whole series at a time."""

from holdfast.tables.read import ReadOptions as ReadOptions
