"""`make bench`: Runwire and three peers on the same work, in one run, on this machine. See docs/performance.md."""
