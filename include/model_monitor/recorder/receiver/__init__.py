"""Capture what the payload loggers of KServe and Seldon send (``model-monitor receive``)."""
