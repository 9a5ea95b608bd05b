"""Values and mathematics: numpy only."""
