"""How the platform is run: processes, servers, images."""
