"""Everything that makes rows: capture files, datasets, and a user's own scripts."""
