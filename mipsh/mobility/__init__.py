"""The node core of RFC 6275 without input or output: packets and time in, effects out.

Every part has the same outside: it is handed packets, it is told the time, and it answers with
effects. Time is seconds of a monotonic clock. Entropy is a function that returns so many random
bytes. Nothing here sends, sleeps or draws by itself, so a run repeats byte for byte.
"""
