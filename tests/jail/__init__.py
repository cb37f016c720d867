"""The jail's mechanisms, as root where the suite is root, and as an ordinary user."""
