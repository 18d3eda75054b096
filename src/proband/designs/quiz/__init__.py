"""Questions of a bank put to models: prompts, quizzes, and the boundary between prompt and answer."""
