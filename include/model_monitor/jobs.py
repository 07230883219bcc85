"""The verbs, with plain arguments: what the operators and the command line both call.

Each verb reads what the one before it wrote, writes its result whole or not at all, and returns its address. Doing it
again gives the same bytes. Only ``MonitorError`` is raised on purpose; violations are results.
"""
