"""The pages of the REST API by subject; each module gives its routes."""
