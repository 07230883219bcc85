"""Would a schedule notice what usually goes wrong? Faults in copies of past rows; nothing is written."""
