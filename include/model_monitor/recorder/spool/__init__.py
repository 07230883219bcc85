"""Captured records on the local disk, from the in-memory queue until they are sent."""
