"""The faults by their numbers; each function does one row of the campaign and says what it saw."""
