"""The five services of Dukao; they speak only by events."""
