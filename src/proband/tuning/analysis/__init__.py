"""What a knowledge intervention did: accuracy, consistency, calibration, forgetting, and a verdict per claim."""
