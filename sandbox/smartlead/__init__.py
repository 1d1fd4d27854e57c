"""A double of Smartlead: campaigns that send, leads that answer, bounce or unsubscribe, its REST API and webhooks."""
