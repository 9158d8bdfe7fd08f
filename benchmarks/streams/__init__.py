"""The reference job in Kafka Streams, beside which the platform is measured."""
