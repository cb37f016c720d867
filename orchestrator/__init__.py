"""Everything around the agent: settings, run log, hub, engines, Inngest functions and the HTTP routes."""
