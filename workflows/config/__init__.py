"""The campaign file.

What may stand in it, what is wrong with it and on which line, and the template that `init` writes.
"""
