"""What becomes of codes and claims under other wordings, orders, methods and engines, later, and without any text."""
