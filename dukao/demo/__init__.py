"""The demonstration: the whole platform from nothing to a standing that is explained and checked."""
