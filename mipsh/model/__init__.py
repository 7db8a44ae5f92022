"""The records that users see, and how their columns are declared, filtered and shown.

Pure: nothing here knows an engine, a terminal or a clock.
"""
