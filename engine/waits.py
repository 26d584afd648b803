"""How long the engine waits for its broker: for an answer, and before it asks again. Seconds; the last of several repeats."""

ANSWER_S = 10.0
"""How long a broker may take to answer before the order counts as UNKNOWN."""
CANCEL_ANSWER_S = 5.0
CLOSE_S = 1.0
CANCEL_AGAIN_S = (0.5, 1.0, 2.0, 5.0)
"""When a cancel that may be lost is sent again; the last one repeats, and a link that comes up ends the wait."""
NEXT_CANCELS_S = 0.25
"""How long the next of them waits for the answer to the one before."""
ASK_AGAIN_S = (1.0, 2.0, 5.0, 10.0, 30.0)
"""When an UNKNOWN order is asked for by its id; likewise."""
ALARM_S = 60.0
BUSY_AGAIN_S = (0.5, 1.0, 2.0, 5.0, 10.0)
"""When what a busy broker has not taken is sent again, where it does not say; likewise."""
LONGEST_PAUSE_S = 60.0
"""However long it says."""
NAKED_S = 8.0
"""When a position that has no exits for it is said as an error: from then on each `ALARM_S`."""
LOOK_S = 0.1
"""Between two looks whether what waits is still wanted."""
SNAPSHOT_AGAIN_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""When the account is asked for again where its answer proved nothing. Each takes several requests, of which a broker counts a minute's."""
TRIES = 5
"""Snapshots asked for before the comparison is left to the next time, where trading goes on meanwhile."""
