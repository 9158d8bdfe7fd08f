"""Decisions of scoring: measures, case views, partial sums, cells, figures."""
