"""The keeper of rows: the only place where the database is touched. Import from its modules."""
