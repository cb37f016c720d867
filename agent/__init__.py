"""The code agent: ordinary code over four small protocols (Step, ChatModel, Sandbox, ProjectStore).

It imports neither Flask, Inngest nor Redis, and runs alone: ``python -m agent "a tip calculator"``.
"""
