"""Talking to services over HTTP: one client for all of them, what its answers say, and how patient it is."""
