"""What people do to posts: take in, review, schedule, withdraw, settle. Import from its modules."""
