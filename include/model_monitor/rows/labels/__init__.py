"""Read ground truth, which arrives later, and merge it with captured requests."""
