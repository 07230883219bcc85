"""Where do metrics go?"""
