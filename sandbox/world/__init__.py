"""The simulated world: its people, their fates and its catalogue. Shared by the doubles, which share no database."""
