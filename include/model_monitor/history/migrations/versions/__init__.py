"""One module for each change of the schema. A migration that was released is never edited."""
