"""Effects of treatments and the designs that find them."""
