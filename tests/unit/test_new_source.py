"""`new-source` guesses what a file holds, writes what a person corrects, and overwrites nothing."""

import gzip
import shutil
from pathlib import Path

import pytest
import yaml

from warehouse.base.errors import UserError
from warehouse.base.paths import DBT_DIR
from warehouse.contracts.contract import SourceContract, read_contracts
from warehouse.landing.guesses import guess_source
from warehouse.landing.scaffold import CONTRACTS, PROJECT, new_source

VISITS = """Visit ID,CustomerID,Visited At,XMLBranch,Fee EUR,Minutés,Zip,Clerk Name,2nd  rate
V1,C1,2024-03-13 10:00:00,North,1.50,10,01067,Ann,x
V2,C1,2024-03-13 11:30:00,South,20,25_,10115,Bob,y
V3,C2,2024-03-14 09:05:00,North,,7,20095,Cem,z
"""


@pytest.fixture
def dbt_dir(tmp_path) -> Path:
    """The files of the dbt project that are read and written."""
    folder = tmp_path / "dbt_project"
    for file in (CONTRACTS, PROJECT):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(DBT_DIR / file, folder / file)
    (folder / "models" / "silver").mkdir()
    return folder


def csv(folder: Path, text: str, name: str = "visits_2024-03.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def contract_of(dbt_dir: Path, name: str) -> SourceContract:
    contracts = read_contracts(dbt_dir / CONTRACTS, dbt_dir / PROJECT)
    return next(contract for contract in contracts if contract.name == name)


def test_types_key_customer_and_moment_are_guessed(tmp_path):
    guess = guess_source(csv(tmp_path, VISITS))
    assert [(column.silver_name, column.kind) for column in guess.columns] == [
        ("visit_id", "text"),
        ("customer_id_in_file", "text"),
        ("visited_at", "date"),
        ("xml_branch", "text"),
        ("fee_eur", "decimal"),
        ("minutes", "integer"),
        ("zip", "text"),
        ("clerk_name", "text"),
        ("n_2nd_rate", "text"),
    ]
    found = (guess.key.name, guess.customer.name, guess.date.name, guess.date_format)
    assert found == ("Visit ID", "CustomerID", "Visited At", "%Y-%m-%d %H:%M:%S")
    assert [column.name for column in guess.columns if column.is_personal] == ["Clerk Name"]
    assert guess.doubts == ()


def test_the_customer_is_the_key_of_a_profile_and_personal_values_make_a_column_personal(tmp_path):
    text = "customer_id,snapshot_date,contact,code\nC1,31/01/2024,a@b.org,\n"
    guess = guess_source(csv(tmp_path, text + "C1,29/02/2024,,\nC2,29/02/2024,,123-45-6789\n"))
    assert (guess.key.name, guess.date_format) == ("customer_id", "%d/%m/%Y")
    assert guess.other_date_format is None
    assert [c.name for c in guess.columns if c.is_personal] == ["contact", "code"]


def test_what_cannot_be_guessed_is_a_doubt(tmp_path, dbt_dir):
    text = "who,paid_on,due_on,amount\nA,03/04/2024,01/01/2024,1\nA,03/04/2024,01/01/2024,1\n"
    written = new_source(csv(tmp_path, text), dbt_dir=dbt_dir, data_dir=tmp_path / "other")
    doubts = (
        "paid_on is taken, of paid_on, due_on",
        "%d/%m/%Y and %m/%d/%Y both read every row",
        "who is a guess",
        "no column tells the rows of one day apart",
        "has to be below",
    )
    for doubt in doubts:
        assert any(doubt in check for check in written.checks)
    assert "# TODO or %m/%d/%Y? No day in the file is above 12" in (dbt_dir / CONTRACTS).read_text()
    assert contract_of(dbt_dir, "visits").date_format == "%d/%m/%Y"


def test_contract_line_and_silver_model_are_written(tmp_path, dbt_dir):
    before = read_contracts(dbt_dir / CONTRACTS, dbt_dir / PROJECT)
    (tmp_path / "data" / "branches").mkdir(parents=True)
    path = csv(tmp_path / "data" / "branches", VISITS)
    written = new_source(path, dbt_dir=dbt_dir, data_dir=tmp_path / "data")

    names = [file.relative_to(dbt_dir).as_posix() for file in written.files]
    silver = ["models/silver/visits.sql", "models/silver/visits.yml"]
    assert names == [CONTRACTS.as_posix(), PROJECT.as_posix(), *silver]
    contract = contract_of(dbt_dir, "visits")
    assert contract.file == "branches/visits_2024-03.csv"
    assert contract.columns == tuple(VISITS.splitlines()[0].split(","))
    assert contract.key == ("Visit ID", "Visited At")
    assert contract.customer_column == "CustomerID"
    assert contract.personal_columns == ("Clerk Name",)
    assert (contract.silver, contract.group) == ("visits", None)
    assert read_contracts(dbt_dir / CONTRACTS, dbt_dir / PROJECT)[:-1] == before
    sql = written.files[2].read_text()
    assert "as fee_eur" in sql
    assert "Clerk" not in sql
    (model,) = yaml.safe_load(written.files[3].read_text())["models"]
    columns = [column["name"] for column in model["columns"]]
    assert columns[:4] == ["visit_id", "customer_id", "snapshot_date", "visited_at"]
    assert "clerk_name" not in columns


def test_gzip_is_read_and_another_name_taken(tmp_path, dbt_dir):
    path = tmp_path / "a[1].csv.gz"
    path.write_bytes(gzip.compress(VISITS.encode()))
    new_source(path, name="branch_visits", dbt_dir=dbt_dir, data_dir=tmp_path)
    assert contract_of(dbt_dir, "branch_visits").file == "a[[]1].csv.gz"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a;b;c\n1;2;3\n", "expected columns separated by commas, found semicolons"),
        ("a\tb\n1\t2\n", "found tabs"),
        ("", "expected a header line"),
        ("customer_id,day\n", "expected data rows"),
        ("customer_id,day\nC1,soon\n", "no column holds a date"),
        ("day,amount\n2024-01-01,1\n", "no column can be the customer"),
        ("customer_id,,day\nC1,1,2024-01-01\n", "column 2 is called ''"),
        (
            "customer_id,Day,day\nC1,2024-01-01,2024-01-01\n",
            "not valid: .*'day' is listed twice",
        ),
        ("customer_id,_day\nC1,2024-01-01\n", "does not begin with _"),
        ("customer_id,day,Snapshot_Date\nC1,2024-01-01,x\n", "not valid: .*snapshot_date"),
    ],
)
def test_an_unsuitable_file_is_refused_and_nothing_is_written(tmp_path, dbt_dir, text, reason):
    before = {path: path.read_text() for path in dbt_dir.rglob("*.yml")}
    with pytest.raises(UserError, match=reason):
        new_source(csv(tmp_path, text), dbt_dir=dbt_dir, data_dir=tmp_path)
    assert {path: path.read_text() for path in dbt_dir.rglob("*.*")} == before


def test_nothing_is_overwritten(tmp_path, dbt_dir):
    path = csv(tmp_path, VISITS)
    new_source(path, dbt_dir=dbt_dir, data_dir=tmp_path)
    gold = dbt_dir / "models" / "gold"
    gold.mkdir()
    (gold / "mine.sql").write_text("select 1")
    reasons = {
        "visits": r"visits.sql is there already",
        "mine": r"gold.mine.sql is there already",
        "lms_loan_daily": "a source 'lms_loan_daily' already; choose another --name",
        "Not A Name": "cannot be the name of a source",
        "select": "cannot be the name of a source",
    }
    for name, reason in reasons.items():
        with pytest.raises(UserError, match=reason):
            new_source(path, name, dbt_dir=dbt_dir, data_dir=tmp_path)
    with pytest.raises(UserError, match="cannot be read"):
        new_source(tmp_path / "none.csv", dbt_dir=dbt_dir, data_dir=tmp_path)
