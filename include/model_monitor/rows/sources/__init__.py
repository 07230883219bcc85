"""Sources of rows: capture files, batch transform, tables and datasets. All but datasets become capture records."""
