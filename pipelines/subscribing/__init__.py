"""The platform's subscriptions for the events of the flows: planned, made and removed by its REST API."""
