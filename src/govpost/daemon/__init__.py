"""The background process: a clock over the verbs, threads for the channels, a clean stop."""
