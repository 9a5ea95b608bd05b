"""What has to be installed, and whether it is. Needs nothing but the standard library to be imported."""
