"""Pictures of networks, instances, tree decompositions and tables over them, as SVG, PNG and PDF."""

from qnnt.drawing.files import write_picture
from qnnt.drawing.networks import instance_picture, network_picture
from qnnt.drawing.picture import Picture
from qnnt.drawing.svg import svg_text
from qnnt.drawing.trees import tables_picture, tree_picture

__all__ = [
    "Picture",
    "instance_picture",
    "network_picture",
    "svg_text",
    "tables_picture",
    "tree_picture",
    "write_picture",
]
