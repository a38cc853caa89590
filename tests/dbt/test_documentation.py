"""What dbt docs, notebooks and the catalogue show is there: descriptions, grains, arguments."""

import re

import pytest

from tests.support.bronze import land_rows
from tests.support.compiled import built, compiled

CATALOGUE_TEST = "feature_catalog_is_the_feature_store"


def own(nodes):
    return [node for node in nodes if node.package_name == "loan_default"]


def models():
    return [n for n in own(compiled().manifest.nodes.values()) if n.resource_type == "model"]


def test_every_model_says_what_one_row_is():
    sentences = {m.name: re.split(r"(?<=\.)\s", m.description.strip()) for m in models()}
    assert [name for name, found in sentences.items() if not found[-1].startswith("One row")] == []


def test_every_column_named_in_yml_is_described():
    missing = [
        f"{model.name}.{column.name}"
        for model in models()
        for column in model.columns.values()
        if not column.description.strip()
    ]
    assert missing == []


@pytest.mark.parametrize(
    "name", ["loan_applications", "label_maturity", "label_store", "row_ledger"]
)
def test_the_columns_of_narrow_tables_are_a_contract(name):
    (model,) = (model for model in models() if model.name == name)
    assert model.config.contract.enforced
    assert all(column.data_type for column in model.columns.values())


def test_every_macro_and_generic_test_is_described_with_its_arguments():
    for macro in own(compiled().manifest.macros.values()):
        if re.match("default__|spark__|materialization_", macro.name):
            continue
        signature = re.search(r"{%-?\s*(?:macro|test)\s+\w+\((.*?)\)\s*-?%}", macro.macro_sql, re.S)
        named = set(re.findall(r"(?:^|,)\s*(\w+)\s*(?==|,|$)", signature[1]))
        assert macro.description, f"{macro.name} is not in macros/_macros.yml"
        assert {argument.name for argument in macro.arguments} == named, macro.name


@pytest.fixture(scope="module")
def con(tmp_path_factory):
    """A catalogue of four loans of one customer."""
    run_dir = tmp_path_factory.mktemp("catalogue")
    row = {"Customer_ID": "a", "snapshot_date": "2024-01-01", "Occupation": "Lawyer"}
    loans = [
        {
            "loan_id": str(number),
            "loan_start_date": "2024-01-01",
            "tenure": "10",
            "installment_num": "0",
            **row,
        }
        for number in range(4)
    ]
    sources = ("features_attributes", "features_financials", "feature_clickstream")
    land_rows(run_dir, 1, "2024-02-15", {source: [row] for source in sources})
    land_rows(run_dir, 1, "2024-02-15", {"lms_loan_daily": loans})
    with built(run_dir, "feature_catalog") as connection:
        yield connection


def problems(con) -> list[str]:
    return [row["message"] for row in compiled().failures(con, CATALOGUE_TEST)]


def test_the_catalogue_has_every_feature_and_no_other_column(con):
    assert problems(con) == []
    (windows,) = con.execute(
        "select count(*) from gold.feature_catalog"
        " where feature_group = 'clickstream' and description like '% the 3 months up to %'"
    ).fetchone()
    assert windows == 1 + 20 * 6


def test_a_feature_without_description_is_named(con):
    con.execute("alter table gold.feature_store add column salary_rank double")
    con.execute("update gold.feature_catalog set description = null where feature = 'age'")
    con.execute("alter table gold.feature_store rename column num_of_loan to loans_elsewhere")
    assert sorted(problems(con)) == [
        "age has no description in the yml of its group",
        "loans_elsewhere is in gold.feature_store and not described in the yml of its group",
        "num_of_loan is described and no column of gold.feature_store",
        "salary_rank is in gold.feature_store and not described in the yml of its group",
    ]
