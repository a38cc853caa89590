"""What Feast serves is what the warehouse computes: every customer, every feature, every type."""

import json
import shutil
from pathlib import Path

import duckdb
import pytest

pytest.importorskip("feast", reason="requirements/serve.in is not installed")

from feast import FeatureStore

from tests.support import serving
from tests.support.serving import copy_datamart, features_as_of, running_redis, running_server
from warehouse.base.catalog import attach
from warehouse.base.errors import UserError
from warehouse.cli.main import main
from warehouse.serving.catalogue import Catalogue
from warehouse.serving.materialise import history, serving_dir

FIRST_DAY, NEXT_MONTH = "2024-06-01", "2024-07-01"


@pytest.fixture(scope="module")
def datamart(sample_datamart: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_datamart(sample_datamart, tmp_path_factory.mktemp("serving") / "datamart")


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def online(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    if request.param == "sqlite":
        yield "sqlite"
        return
    if shutil.which("redis-server") is None:
        pytest.skip("Debian's package redis-server is not installed")
    with running_redis(tmp_path_factory.mktemp("redis")) as address:
        yield address


def served_features(datamart: Path) -> list[str]:
    catalogue = Catalogue.load(serving_dir(datamart) / "catalogue.json")
    return [f"{group.name}:{one.name}" for group in catalogue.groups for one in group.features]


def materialise(datamart: Path, day: str, online: str) -> int:
    options = ["--datamart-dir", str(datamart), "--day", day, "--online", online]
    return main(["serve", *options, "--no-server"])


def test_served_values_are_those_of_the_warehouse_and_again_after_a_month(datamart, online):
    assert materialise(datamart, FIRST_DAY, online) == 0
    port = serving.free_port()
    with running_server(datamart, port, "--day", FIRST_DAY, "--online", online) as client:
        wanted = features_as_of(datamart, FIRST_DAY)
        found = client.vectors(list(wanted), served_features(datamart))
        assert found == wanted

        assert materialise(datamart, NEXT_MONTH, online) == 0
        wanted = features_as_of(datamart, NEXT_MONTH)
        day = wanted[next(iter(wanted))]["as_of_date"]
        asked = [next(iter(wanted))], ["scoring_set:as_of_date"]
        serving.wait_for(lambda: client.vectors(*asked)[asked[0][0]]["as_of_date"] == day, 30)
        assert client.vectors(list(wanted), served_features(datamart)) == wanted

        answer = client.ask(["CUS_nobody"], served_features(datamart))
        values = dict(zip(answer["metadata"]["feature_names"], answer["results"], strict=True))
        assert values["as_of_date"]["values"] == [None]
        if online == "sqlite":
            del values["customer_id"]
            assert {one["statuses"][0] for one in values.values()} == {"NOT_FOUND"}
