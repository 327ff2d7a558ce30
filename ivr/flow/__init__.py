"""The pure core: a dialplan and what happened so far give what to do next. No I/O lives here."""
