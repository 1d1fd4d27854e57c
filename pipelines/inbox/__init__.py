"""The inbox: every webhook and callback, stored durably before it is acknowledged."""
