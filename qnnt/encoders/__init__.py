"""Encoders: each compiles an instance to a model and lifts the model's assignments back."""
