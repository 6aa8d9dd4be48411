"""Pictures of networks, instances and tree decompositions, as SVG, PNG and PDF."""

from qnnt.drawing.files import write_picture
from qnnt.drawing.networks import instance_picture, network_picture
from qnnt.drawing.picture import Picture
from qnnt.drawing.svg import svg_text
from qnnt.drawing.trees import tree_picture

__all__ = [
    "Picture",
    "instance_picture",
    "network_picture",
    "svg_text",
    "tree_picture",
    "write_picture",
]
