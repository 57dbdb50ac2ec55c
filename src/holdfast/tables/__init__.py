"""Tables: reading, calendars, seasons and frames; numpy only, no torch."""
