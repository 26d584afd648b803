"""`tradeconsole --demo`: two minutes in which a script presses the keys, on paper money in a folder that is removed at the end.

`script` says what is pressed, said and waited for, `player` presses it, `run` makes the account and the market.
"""
