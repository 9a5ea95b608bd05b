"""A demo that needs nothing of the user's: one folder with its own database, registry and plugin folder."""
