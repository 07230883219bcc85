"""Bring spooled files to the store, from a child process."""
