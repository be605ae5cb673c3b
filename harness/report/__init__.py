"""Makes tables, charts and pages from the records of runs; returns them and never prints."""
