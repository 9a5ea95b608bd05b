"""`python -m fo_pose_plugin.demo.training`; see command.py.

Spawned processes do not import a package's ``__main__``, so that nothing they run may stand here.
"""

from fo_pose_plugin.demo.training.command import main

if __name__ == "__main__":
    main()
