"""The algebra: states that add, measures read off them, bounds, findings. Imports nothing of the rest."""
