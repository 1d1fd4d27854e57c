"""Loaders, inbox, write-back, publishing and the command line of the outreach warehouse."""
