"""How close a run comes to people, rung by rung."""
