"""Clay: its tables, its callbacks, CSV exports, and what we submitted to it."""
