"""People's answers corrected and multiplied by a model's: PPI++, DSL, poststratification, calibration."""
