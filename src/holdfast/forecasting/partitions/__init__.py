"""More rows than memory: a folder of parts, done one chunk of whole series at a time."""
