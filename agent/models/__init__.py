"""The chat models an agent can work with; ``catalog.py`` lists them."""
