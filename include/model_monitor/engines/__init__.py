"""Where is it observed? In this process, or on a cluster."""
