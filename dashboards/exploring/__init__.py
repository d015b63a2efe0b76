"""What a planner asks of the city: search, select, measure, compare, section, shadow, export; no view, no browser."""
