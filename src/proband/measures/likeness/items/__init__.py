"""How close model answers come to people's."""
