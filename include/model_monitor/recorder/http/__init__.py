"""ASGI and WSGI middleware that captures HTTP requests and responses."""
