"""How what was found is told to a person: in Chinese or English, in blocks that fit a terminal."""
