"""What can be asked for from a shell, where a room does not add its own command?"""

OK, FAILED, WITH_VIOLATIONS, NOTHING_JUDGED = 0, 1, 3, 4  # how a command exits
