"""Parts of an agent: profile, memory, theory, tools. What they have to keep lies in the state, as JSON or rows."""
