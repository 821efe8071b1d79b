"""The steps from each released schema to the next, forward only; `govpost store upgrade` takes them.

A step is `versions/to_N.py`: `revision` is the schema it leads to, `needs` the oldest code that may work on the
result. New columns may be empty or have a default in the database, so that older code can go on beside newer; what
older code still uses goes away only in a later step, which raises `needs`.
"""
