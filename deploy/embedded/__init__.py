"""Real servers without a container engine: Kafka on a JRE, and PostgreSQL."""
