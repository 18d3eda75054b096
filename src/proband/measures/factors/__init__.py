"""What lies behind items: ordinal correlations, factors, invariance, item response models and item bias."""
