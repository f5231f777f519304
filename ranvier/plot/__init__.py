"""Charts, tables and pages of plain arrays and labels: what a report shows, whatever it reports."""
