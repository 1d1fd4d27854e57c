"""Checks of what the product depends on: each passes, fails, or cannot tell, and says what to change."""
