"""Where a run's files lie: frames, open figures, atomic editions, seals of notebooks."""
