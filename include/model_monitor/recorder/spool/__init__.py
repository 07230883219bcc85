"""Captured requests on their way from the in-memory queue to files on the local disk."""
