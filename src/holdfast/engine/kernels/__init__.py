"""Ways to compute a recurrence: strangers to each other, known only to `choose`."""
