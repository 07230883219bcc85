"""Does it hold, against what, and how sure are we?"""
