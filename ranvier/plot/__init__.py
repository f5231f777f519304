"""Charts, tables and pages from plain arrays and labels, independent of the content of a report."""
