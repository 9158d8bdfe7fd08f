"""Ranking: live standings of groups and periods."""
