"""A double of Salesforce's REST API for both orgs, with the people who work in them."""
