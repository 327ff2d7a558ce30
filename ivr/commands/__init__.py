"""One file a command: what it does, apart from reading its options."""
