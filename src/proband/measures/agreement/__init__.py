"""How far coders agree, what their labels are worth, and what shares remain once their errors are undone."""
