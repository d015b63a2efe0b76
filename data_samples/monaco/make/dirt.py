"""Plants dirt."""
