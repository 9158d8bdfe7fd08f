"""Values and small exact functions without any input or output."""
