"""What this service is to Inngest: a client, an app with functions, and an endpoint that calls them."""
