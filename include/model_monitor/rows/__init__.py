"""Everything that makes rows: capture files and what is read like them, datasets, labels, explanations, scripts.

``recorder`` is the other end: what serving code captures its requests with.
"""
