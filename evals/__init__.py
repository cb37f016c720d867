"""`make eval`: thirty tasks for the agent, each with a check that it does not see."""
