"""Tables of data and the encoding of their columns into Z_d: fitted once, stored, applied to other rows."""
