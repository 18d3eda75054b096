"""What is asked, and how an answer is read and scored."""
