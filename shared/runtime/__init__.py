"""How a process of the platform starts, runs its parts and ends."""
