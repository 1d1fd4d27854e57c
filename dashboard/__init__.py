"""The dashboard: pages over the published marts, rendered on the server."""
