"""The problems that the proofs reduce from: formulas and set systems, their file formats, random ones."""
