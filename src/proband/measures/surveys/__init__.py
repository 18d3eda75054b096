"""How people were drawn, and what their answers then say of everybody: one design, many estimates."""
