"""Heatmaps kept on disk (`encoding`, `store`) and painted for the App (`overlay`)."""
