"""What moved an answer? Models that are asked again, and attributions of their answers."""
