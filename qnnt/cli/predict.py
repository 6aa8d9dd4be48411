"""``qnnt predict``: what a network says of the rows of a table."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from qnnt.cli.options import (
    Header,
    Json,
    NetworkFile,
    TableFile,
    Unseen,
    incoming,
    load,
    require_apart,
    unseen_of,
    writable,
)
from qnnt.cli.output import print_json, write_text
from qnnt.cli.program import OK
from qnnt.wording import count

if TYPE_CHECKING:
    from qnnt.tables.prediction import Prediction


def predict(
    network: NetworkFile,
    rows: TableFile,
    instance: Annotated[
        Path | None,
        typer.Option(
            metavar="INSTANCE",
            callback=incoming,
            help="Encode the rows as this instance's data; default: as the network says.",
        ),
    ] = None,
    header: Header = None,
    unseen: Unseen = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE.csv", help="File to write; default: standard output."),
    ] = None,
    json: Json = False,
) -> int:
    """Predict the classes of rows of a table, encoded as the data that the network was trained on.

    If the table has the target columns, too, stderr says how many predictions are right. A network that was
    not trained on a table reads a column of integers for each input, and shows its outputs.
    """
    if output is not None:
        writable(output, stdout=not json)
    require_apart([output], [network, rows, instance])
    chosen = unseen_of(unseen)
    from qnnt.files.documents import located
    from qnnt.generate.table import encoding_of
    from qnnt.network import Network
    from qnnt.tables.columns import read_columns
    from qnnt.tables.encoding import TableEncoding
    from qnnt.tables.prediction import predict_integers, predict_rows, require_neurons

    trained = Network.load(network)
    encoding = None
    if instance is not None:
        encoding = encoding_of(load(instance))
    elif trained.encoding is not None:
        with located(network):
            encoding = TableEncoding.of(trained.encoding, trained.domain.d)
    if encoding is not None:
        require_neurons(trained, encoding)
    with located(rows):
        columns = read_columns(rows, header=header)
        if encoding is None:
            found = predict_integers(trained, columns)
        else:
            found = predict_rows(trained, encoding, columns, chosen)
    if output is not None or not json:
        write_text(_csv(found), output)
    if json:
        print_json({"predictions": dict(zip(found.columns, found.values, strict=True)), "right": found.right})
    _tell(found)
    return OK


def _csv(found: Prediction) -> str:
    text = io.StringIO()
    rows = [list(map(str, row)) for row in (found.columns, *zip(*found.values, strict=True))]
    # Before Python 3.13 a lone carriage return is not quoted where it has to be.
    every = any("\r" in cell for row in rows for cell in row)
    quoting: Literal[0, 1] = csv.QUOTE_ALL if every else csv.QUOTE_MINIMAL
    csv.writer(text, lineterminator="\n", quoting=quoting).writerows(rows)
    return text.getvalue()


def _tell(found: Prediction) -> None:
    n, unclear = len(found.plain), int((~found.plain).sum())
    if found.right is not None:
        print(f"{found.right:,} of {count(n, 'row')} right", file=sys.stderr)
    if unclear:
        shown = "the outputs show no single class, the largest pre-activation decides"
        print(f"{count(unclear, 'row')} unclear: {shown}", file=sys.stderr)
