"""The plugins against servers that nobody here wrote; see README.md."""
