"""Make rows of captured requests, batch transform output, tables, datasets, labels and explanations."""
