"""What the paper says of an instance: its parameters, the theorems that apply, its place in Figure 1."""
