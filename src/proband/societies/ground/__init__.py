"""What agents stand on: places, stocks, and the background of their time."""
