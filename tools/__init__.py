"""What `make` runs: setup, serve, demo, and the processes they start."""
