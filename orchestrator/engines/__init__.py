"""What drives a run's steps: Inngest, or this process (``direct``)."""
