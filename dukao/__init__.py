"""The command `dukao`: what people and scripts run."""
