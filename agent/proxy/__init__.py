"""The only way out of a jail: a proxy of ours, which reaches the hosts that ``AGENT_SANDBOX_ALLOW`` names.

One process for each command, forked off its warden, which hands it a socket that listens on the jail's own loopback
(agent/warden/door.py). It runs on the standard library alone, as nobody in particular, and ends with the command.
"""
