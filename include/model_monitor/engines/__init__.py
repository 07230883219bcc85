"""Where monitors observe: in this process, or on a cluster."""
