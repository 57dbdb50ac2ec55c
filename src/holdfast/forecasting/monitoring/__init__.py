"""A fitted model beside new values: anomalies, drift, and alarms while rows come in."""
