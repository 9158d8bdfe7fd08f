"""What every service of Dukao builds on, in layers from the kernel up to the runtime."""
