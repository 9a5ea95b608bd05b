"""One file per operator, each named like its task."""
