"""Delete what is older than an endpoint's ``retention_days``, and keep a record of it."""
