"""What was captured, and what was made of it, is deleted in time: what, by whom, and how it is told."""
