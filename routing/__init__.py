"""Who should take a call, and why. Pure: no I/O, no clock, and no knowledge of calls."""
