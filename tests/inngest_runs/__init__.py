"""Whole runs through Inngest's protocol, one scenario a file."""
