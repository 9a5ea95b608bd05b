"""Which models there are, where their weights are, and how one is built and run."""
