"""Codebooks are listed and shown as coders read them."""

import json

from typer.testing import CliRunner

from proband.cli.main import app
from proband.errors import DesignError, InstrumentError
from proband.instruments.codebooks import load_codebook


def said(*arguments):
    done = CliRunner().invoke(app, arguments)
    return done.stdout, done.exception


def test_codebooks_are_listed_and_shown():
    rows = json.loads(said("list", "codebooks", "--json")[0])["codebooks"]
    assert {"sentiment", "stance", "policy-areas"} <= {row["name"] for row in rows}
    assert said("show", "codebook", "stance")[0].strip() == load_codebook("stance").preamble
    shown = json.loads(said("show", "codebook", "stance", "--json")[0])
    assert shown["hash"] == load_codebook("stance").hash


def test_one_that_is_not_there_is_refused_and_an_engine_would_not_be_read():
    error = said("show", "codebook", "stanse")[1]
    assert isinstance(error, InstrumentError)
    assert "did you mean 'stance'" in str(error)
    assert isinstance(said("show", "codebook", "stance", "--engine", "smollm2")[1], DesignError)
