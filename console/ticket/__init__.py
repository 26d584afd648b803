"""What a ticket asks for, without a screen: the fields of a new order, of a working order's new terms and of a signal's edit, and what
they mean. `widgets.ticket` draws them and takes the keys, `console.screens.ticket` brings the two together.
"""
