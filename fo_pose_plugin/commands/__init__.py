"""The commands of `fo-pose`, one file each: arguments in, a task called, lines out.

Each file has ``add``, which adds its command to the parser; what runs it imports what it needs itself, so
that the parser is there at once and `fo-pose install` works where nothing is installed yet.
"""
