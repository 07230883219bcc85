"""Capture at the web framework's edge: ASGI and WSGI middleware."""
