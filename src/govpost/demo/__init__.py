"""The main job, end to end, in a city made up for it. Import from its modules."""
