"""The contract file is read whole, or refused with a line that says what is wrong with it."""

from pathlib import Path

import pytest

from warehouse.base.errors import UserError
from warehouse.contracts.contract import read_contracts

SOURCES = Path(__file__).parents[1] / "dbt_project" / "models" / "bronze" / "_bronze.yml"
SMALL = """
sources:
  - name: bronze
    tables:
      - name: loans
        config:
          meta:
            file: loans.csv
            date_column: snapshot_date
            date_format: "%Y-%m-%d"
            key: [loan_id, snapshot_date]
            delay_days: 2
            boundary: strict
            max_age_days: 90
        columns:
          - name: loan_id
          - name: Name
            config: {meta: {personal: true}}
          - name: snapshot_date
          - name: _load_id
      - name: loads
        columns: [{name: load_id}]
"""


def read(tmp_path: Path, text: str):
    path = tmp_path / "sources.yml"
    path.write_text(text)
    return read_contracts(path)


def test_the_project_declares_its_four_sources():
    contracts = {contract.name: contract for contract in read_contracts(SOURCES)}
    assert {name: len(c.columns) for name, c in contracts.items()} == {
        "features_attributes": 6,
        "features_financials": 22,
        "feature_clickstream": 22,
        "lms_loan_daily": 11,
    }
    assert contracts["features_attributes"].personal_columns == ("Name", "SSN")
    assert contracts["lms_loan_daily"].key == ("loan_id", "snapshot_date")


def test_a_contract_holds_the_columns_of_the_file_and_its_settings(tmp_path):
    (contract,) = read(tmp_path, SMALL)
    assert contract.columns == ("loan_id", "Name", "snapshot_date")
    assert (contract.delay_days, contract.boundary, contract.max_age_days) == (2, "strict", 90)
    assert contract.personal_columns == ("Name",)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("boundary: strict", "boundary: sometimes", "inclusive or strict"),
        ("delay_days: 2", "delay_days: two", "`delay_days` is 'two'"),
        ("delay_days: 2", "delay_days: -2", "negative"),
        ("max_age_days: 90", "", "no `max_age_days`"),
        ("key: [loan_id", "key: [loan", "'loan' is not one of its columns"),
        ("key: [loan_id, ", "key: [loan_id, Name, ", "expected a column and 'snapshot_date'"),
        ("date_column: snapshot_date", "date_column: date", "'date' is not one of its columns"),
        ('"%Y-%m-%d"', '"YYYY-MM-DD"', "expected year, month and day"),
        ("name: Name", "name: LOAN_ID", "'loan_id' stands twice"),
        ("name: loads", "name: loans", "'loans' stands twice"),
        ("columns:\n          - name: loan_id", "columns:\n          - loan_id", "`columns:`"),
        ("sources:", "models:", "`sources:`"),
        ("sources:", "sources: [", "not valid YAML"),
        ("file: loans.csv", "", "no table has"),
    ],
)
def test_a_contract_that_cannot_be_meant_is_refused(tmp_path, old, new, message):
    assert old in SMALL
    with pytest.raises(UserError, match=r"sources\.yml") as refused:
        read(tmp_path, SMALL.replace(old, new, 1))
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_contract_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"no\.yml"):
        read_contracts(tmp_path / "no.yml")
