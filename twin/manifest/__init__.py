"""What a city says of itself: the words of ``city.yaml``, and what is wrong with them."""
