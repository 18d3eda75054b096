"""Classic studies carried out on any engine, and what came of them beside what people did."""
