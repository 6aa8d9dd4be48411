"""Child processes that run any task under limits and can be lost without harm."""
