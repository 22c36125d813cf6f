"""A simulated tenant whose times are drawn first; events and truth are both derived from the drawn times.

Nothing here may import `transforms`: the truth must not come from the code that it tests.
"""
