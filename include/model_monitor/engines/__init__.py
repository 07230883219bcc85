"""Where are rows observed? In this process, on all its cores."""
