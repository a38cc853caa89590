"""The contracts are read whole, or refused with one line that says what is wrong with them."""

from pathlib import Path

import pytest

from warehouse.base.errors import UserError
from warehouse.contracts.contract import read_contracts

SOURCES = """
sources:
  - name: bronze
    config: {meta: {delay_days: 2, boundary: strict}}
    tables:
      - name: loans
        config:
          meta:
            file: loans.csv
            key: [loan_id, snapshot_date]
            boundary: inclusive
            max_age_days: 90
        columns:
          - name: loan_id
          - name: Customer_ID
          - name: Name
            config: {meta: {personal: true}}
          - name: snapshot_date
          - name: _load_id
      - name: loads
        columns: [{name: load_id}]
"""
PROJECT = "vars: {sources: {loans: {silver: loan_repayments, group: loan_history}}}"
EVENTS = """
sources:
  - name: bronze
    tables:
      - name: enquiries
        config: {meta: {file: enquiries/*.csv.gz}}
        columns: [{name: Customer_ID}, {name: amount}, {name: snapshot_date}]
"""


def read(tmp_path: Path, sources: str, project: str = PROJECT):
    (tmp_path / "sources.yml").write_text(sources)
    (tmp_path / "dbt_project.yml").write_text(project)
    return read_contracts(tmp_path / "sources.yml", tmp_path / "dbt_project.yml")


def test_the_project_declares_its_sources():
    contracts = {contract.name: contract for contract in read_contracts()}
    assert {name: (len(c.columns), c.silver, c.group) for name, c in contracts.items()} == {
        "features_attributes": (6, "customer_attributes", "attributes"),
        "features_financials": (22, "customer_financials", "financials"),
        "feature_clickstream": (22, "clickstream", "clickstream"),
        "lms_loan_daily": (11, "loan_repayments", "loan_history"),
    }
    assert contracts["features_attributes"].personal_columns == ("Name", "SSN")
    assert contracts["features_attributes"].sensitive_columns == ("Age", "Occupation")
    assert contracts["lms_loan_daily"].key_column == "loan_id"


def test_settings_of_a_table_complete_those_of_its_source(tmp_path):
    (contract,) = read(tmp_path, SOURCES)
    assert contract.columns == ("loan_id", "Customer_ID", "Name", "snapshot_date")
    assert (contract.delay_days, contract.boundary, contract.max_age_days) == (2, "inclusive", 90)
    assert contract.personal_columns == ("Name",)


def test_a_contract_needs_a_file_and_columns_only(tmp_path):
    (contract,) = read(tmp_path, EVENTS, "vars: {sources: {enquiries: {silver: enquiries}}}")
    assert contract.key == ("Customer_ID", "snapshot_date")
    assert (contract.date_format, contract.delay_days) == ("%Y-%m-%d", 0)
    assert (contract.boundary, contract.max_age_days) == ("inclusive", None)
    assert (contract.corrections, contract.group) == ("as_known", None)


@pytest.mark.parametrize(
    "date_format",
    ["%d/%m/%y", "%d.%m.%Y", "%Y%m%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f"],
)
def test_dates_and_dates_with_a_time_can_be_declared(tmp_path, date_format):
    sources = SOURCES.replace(
        "file: loans.csv", f'file: loans.csv\n            date_format: "{date_format}"'
    )
    (contract,) = read(tmp_path, sources)
    assert contract.date_format == date_format


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("boundary: inclusive", "boundary: sometimes", "inclusive or strict"),
        ("boundary: inclusive", "corrections: never", "as_known or retroactive"),
        ("delay_days: 2", "delay_days: two", "`delay_days` is 'two'"),
        ("delay_days: 2", "delay_days: -2", "negative"),
        ("max_age_days: 90", "customer_column: customer", "'customer' is not one of its columns"),
        ("max_age_days: 90", "months_column: Name", "set together"),
        ("key: [loan_id", "key: [loan", "'loan' is not one of its columns"),
        ("key: [loan_id, ", "key: [loan_id, Name, ", "expected a column and 'snapshot_date'"),
        ("max_age_days: 90", "date_column: date", "expected a column and 'date'"),
        (
            "key: [loan_id, snapshot_date]",
            "key: [loan_id, Name]\n            date_column: Name",
            "must be the `date_column`",
        ),
        ("max_age_days: 90", "date_format: YYYY-MM-DD", "expected year, month and day"),
        ("max_age_days: 90", 'date_format: "%Y-%m"', "expected year, month and day"),
        ("max_age_days: 90", 'date_format: "%Y-%m-%d %S"', "%H:%M:%S"),
        ("max_age_days: 90", 'date_format: "%Y-%m-%d %Z"', "%H:%M:%S"),
        ("file: loans.csv", "file: ../loans.csv", "below the data folder"),
        ("file: loans.csv", "file: /data/loans.csv", "below the data folder"),
        ("name: Name", "name: LOAN_ID", "'loan_id' is listed twice"),
        ("name: loads", "name: loans", "'loans' is listed twice"),
        ("columns:\n          - name: loan_id", "columns:\n          - loan_id", "`columns:`"),
        ("sources:", "models:", "`sources:`"),
        ("sources:", "sources: [", "not valid YAML"),
        ("file: loans.csv", "", "no table has"),
    ],
)
def test_a_bad_contract_is_refused_in_one_line(tmp_path, old, new, message):
    assert old in SOURCES
    with pytest.raises(UserError, match=r"sources\.yml") as refused:
        read(tmp_path, SOURCES.replace(old, new, 1))
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("project", "message"),
    [
        ("vars: {}", "expected `vars: sources:`"),
        ("vars: {sources: {loans: {group: x}}}", "expected `vars: sources:`"),
        (PROJECT.replace("loans:", "loan:"), "no counterpart"),
        (
            PROJECT.replace("sources: {", "sources: {more: {silver: x}, "),
            "'more' has no counterpart",
        ),
    ],
)
def test_contracts_and_the_list_of_sources_must_name_the_same(tmp_path, project, message):
    with pytest.raises(UserError, match=r"yml") as refused:
        read(tmp_path, SOURCES, project)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_contract_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"no\.yml"):
        read_contracts(tmp_path / "no.yml")
