"""The code agent: ordinary code over five small protocols (Step, ChatModel, Sandbox, ProjectStore, User).

It imports neither Flask, Inngest nor Redis, and runs alone: ``python -m agent "a tip calculator"``.
"""
