"""How numbers are told in words."""

from qnnt.wording import sizes_line


def test_one_of_a_kind_is_singular():
    sizes = {"variables": 1, "clauses": 2, "entries": 1, "networks": 12_345, "refuted by propagation": 1}
    assert sizes_line(sizes) == "1 variable, 2 clauses, 1 entry, 12,345 networks, 1 refuted by propagation"
    assert sizes_line({}) == ""
