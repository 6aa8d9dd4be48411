"""Steps that make an instance simpler, before it is encoded."""
