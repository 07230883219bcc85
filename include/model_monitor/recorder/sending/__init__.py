"""Send spooled files to the store, outside the serving process where that speaks a network protocol."""
