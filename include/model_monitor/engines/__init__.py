"""Where are rows read and observed? In this process, on all its cores."""
