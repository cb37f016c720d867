"""Previews: which of a project's files are its pages, what a path means there, and where a browser opens them."""
