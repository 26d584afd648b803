"""What the keys of `console.keys` do: for each action of that table one method `do_<name>`, in the module of what it is about.

Each class here is given the `Stage`, which is all of the screen that an action may know.
"""
