"""Receive payload events over HTTP from KServe and Seldon (``model-monitor receive``)."""
