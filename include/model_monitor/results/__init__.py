"""Everything that leaves: the files that people and other programs read."""
