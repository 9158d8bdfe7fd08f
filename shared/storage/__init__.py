"""PostgreSQL: engines, the shared tables, the transaction, and the one place that commits."""
