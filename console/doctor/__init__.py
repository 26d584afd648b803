"""`tradeconsole doctor`: looks at everything a start needs and says of each what it found and what to do about it.

It changes nothing, and an engine that trades meanwhile does not feel it.
"""
