from typer.testing import CliRunner

from proband.cli.main import app
from proband.designs.studies import load_study
from proband.errors import DesignError

FILE = """
about = "how guilty a suspect seems"
template = "Sam is {role}. A wallet went missing, and Sam was near. Sam says nothing about it."
[factors.role]
nurse = "a nurse"
banker = "a banker"
"""
STUDY = """
seed = 1
engine = "scripted:uniform"
[instrument]
id = "guilt"
items = [{ id = "guilt", text = "{vignette:text} Is Sam guilty?", form = "scale", options = ["no", "yes"] }]
[experiment]
who = "itself"
draws = 8
vignettes = "suspects.csv"
"""


def test_texts_are_written_edited_checked_and_asked(tmp_path):
    (tmp_path / "suspects.toml").write_text(FILE)
    run = CliRunner().invoke
    written = run(app, ["vignettes", str(tmp_path / "suspects.toml")])
    assert written.exit_code == 0, written.output
    csv = tmp_path / "suspects.csv"
    assert csv.read_text().startswith("id,role,text\n1,nurse,")
    assert run(app, ["vignettes", str(tmp_path / "suspects.toml"), "--check", "--json"]).exit_code == 0
    (tmp_path / "study.toml").write_text(STUDY)
    design = load_study(tmp_path / "study.toml").design
    assert "Sam is a banker." in " ".join(t.request.messages[-1].text for t in design.preview())
    assert design.roster().arms == {"nurse": 4, "banker": 4}
    csv.write_text(csv.read_text().replace("says nothing", "said nothing", 1))
    edited = run(app, ["vignettes", str(tmp_path / "suspects.toml"), "--check"])
    assert isinstance(edited.exception, DesignError)
    assert "outside the span: 'says' instead of 'said'" in str(edited.exception)
    again = run(app, ["vignettes", str(tmp_path / "suspects.toml")])
    assert "is there already" in str(again.exception)
    unread = run(app, ["vignettes", str(tmp_path / "suspects.toml"), "--engine", "scripted:uniform", "--check"])
    assert "--engine would not be read" in str(unread.exception)
