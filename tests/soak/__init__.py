"""Long tests with faults drawn by chance; each is run by its own command."""
