"""Who is told, and until when?"""
