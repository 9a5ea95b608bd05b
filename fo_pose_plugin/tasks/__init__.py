"""One file per capability: composes the rooms below; no UI, no printing."""
