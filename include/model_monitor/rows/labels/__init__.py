"""What was the truth? Labels that come later, and how they are merged with captured requests."""
