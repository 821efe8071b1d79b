"""What comes back from the platforms: counts of our posts and the public's replies. No delivery waits for it."""
