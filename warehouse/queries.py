"""The figures of report, deck and notebooks, each one query over bronze.*, silver.* and gold.*.

Every function takes a connection to which a datamart is attached (`catalog.attach`) and returns
rows as dicts, in the order in which they are shown. None returns a name, an SSN or a customer.
"""

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from duckdb import DuckDBPyConnection

Row = dict[str, Any]

# The tables of silver that carry cleaning actions, with the bronze table each one cleans.
CLEANED = {
    "customer_attributes": "features_attributes",
    "customer_financials": "features_financials",
    "clickstream": "feature_clickstream",
    "loan_repayments": "lms_loan_daily",
}
GROUPS = ("attributes", "financials", "clickstream", "loan_history")

# The raw column behind a cleaned one, where it is not the same word in lower case.
RAW_COLUMN_OF = {
    "credit_history_age_months": "Credit_History_Age",
    "days_past_due": "due_amt",
}
PERSONAL = ("name", "ssn")
IDENTIFIERS = ("Customer_ID", "loan_id")
SHOWN_CHARACTERS = 48


def rows(con: DuckDBPyConnection, sql: str, parameters: list[Any] | None = None) -> list[Row]:
    """The rows of a query as dicts."""
    cursor = con.execute(sql, parameters or [])
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


# --- what landed, and what became of it ---------------------------------------------------------


def sources(con: DuckDBPyConnection) -> list[Row]:
    """Per source: its latest file, and the rows of all loads."""
    return rows(
        con,
        """
        select
            source,
            count(*) as loads,
            arg_max(source_file, load_id) as source_file,
            arg_max(file_bytes, load_id) as file_bytes,
            arg_max(rows_in_file, load_id) as rows_in_file,
            arg_max(rows_landed, load_id) as rows_landed,
            arg_max(rows_seen_before, load_id) as rows_seen_before,
            max(landed_at) as landed_at,
            cast(sum(rows_landed) as bigint) as rows_in_bronze
        from bronze.loads
        group by source
        order by source
        """,
    )


def ledger(con: DuckDBPyConnection) -> list[Row]:
    """Rows per source, layer, fate and reason, over all loads."""
    return rows(
        con,
        """
        select source, layer, fate, reason, cast(sum(row_count) as bigint) as row_count
        from gold.row_ledger
        group by source, layer, fate, reason
        order by
            source,
            case layer when 'file' then 1 when 'bronze' then 2 else 3 end,
            sum(row_count) desc,
            fate,
            reason
        """,
    )


def ledger_balance(con: DuckDBPyConnection) -> list[Row]:
    """Per source the rows read, and how many the fates of each layer do not account for: 0."""
    return rows(
        con,
        """
        with counted as (
            select
                source,
                coalesce(sum(row_count) filter (where layer = 'file'), 0) as in_files,
                coalesce(sum(row_count) filter (where layer = 'bronze'), 0) as at_bronze,
                coalesce(sum(row_count) filter (where fate = 'landed'), 0) as landed,
                coalesce(sum(row_count) filter (where layer = 'silver'), 0) as at_silver
            from gold.row_ledger
            group by source
        )

        select
            source,
            cast(in_files as bigint) as in_files,
            cast(in_files - at_bronze as bigint) as lost_at_bronze,
            cast(landed - at_silver as bigint) as lost_at_silver
        from counted
        order by source
        """,
    )


def quarantine(con: DuckDBPyConnection, examples: int = 3) -> list[Row]:
    """Rows in quarantine per source and reason, with the raw values that are to blame."""
    found = rows(
        con,
        """
        select
            source,
            reason,
            count(*) as row_count,
            list(
                {file: source_file, row_number: row_number, raw: raw_row}
                order by load_id desc, row_number
            )[:?] as examples
        from silver.quarantine
        group by source, reason
        order by row_count desc, source, reason
        """,
        [examples],
    )
    for row in found:
        row["examples"] = [
            {
                "file": example["file"],
                "row_number": example["row_number"],
                "values": _values_to_blame(
                    row["reason"], example["raw"], _file_columns(con, row["source"])
                ),
            }
            for example in row["examples"]
        ]
    return found


def _values_to_blame(reason: str, raw: str | None, columns: Sequence[str]) -> str:
    """The part of a raw row that explains its quarantine, without identifiers that are whole."""
    values: dict[str, Any] = json.loads(raw) if raw else {}
    if reason == "malformed_row":
        if "line" not in values:
            return "line not shown: it may hold personal columns"
        count = len(next(csv.reader([values["line"]]), []))
        return f"{count} values in the line for {len(columns)} columns"
    if reason == "missing_key":
        shown = {name: values[name] for name in values if name in IDENTIFIERS}
        shown = {name: text for name, text in shown.items() if not (text or "").strip(" _")}
    else:
        named = [name for name in values if name in reason.removeprefix("invalid_")]
        dates = [name for name in values if name.endswith("_date")]
        shown = {name: values[name] for name in named or dates if name not in IDENTIFIERS}
    return ", ".join(
        f"{name} = {'empty' if text is None else repr(_short(str(text)))}"
        for name, text in shown.items()
        if name.lower() not in PERSONAL
    )


def _file_columns(con: DuckDBPyConnection, source: str) -> list[str]:
    """A source's own columns, without the provenance that the landing adds."""
    return [
        row["column_name"]
        for row in rows(con, f"select column_name from (describe bronze.{source})")
        if not row["column_name"].startswith("_")
    ]


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"


def cleaning(con: DuckDBPyConnection, examples: int = 3) -> list[Row]:
    """Values nulled or repaired per column and reason, with the most frequent raw values."""
    present = _tables(con, "silver")
    found: list[Row] = []
    for table, source in CLEANED.items():
        if table in present:
            found += _cleaning_of(con, table, source, examples)
    return sorted(found, key=lambda row: (-row["row_count"], row["column"], row["reason"]))


def _cleaning_of(con: DuckDBPyConnection, table: str, source: str, examples: int) -> list[Row]:
    found = rows(
        con,
        f"""
        with actions as (
            select unnest(cleaning_actions) as action from silver.{table}
            where len(cleaning_actions) > 0
        )

        select
            '{source}' as source,
            split_part(action, ':', 1) as column,
            split_part(action, ':', 2) as reason,
            count(*) as row_count,
            count(*) / (select count(*) from silver.{table}) as share
        from actions
        group by all
        """,
    )
    raw_columns = {name.lower(): name for name in _file_columns(con, source)}
    wanted = {
        row["column"]: RAW_COLUMN_OF.get(row["column"], raw_columns.get(row["column"]))
        for row in found
    }
    wanted = {column: raw for column, raw in wanted.items() if raw and raw.lower() not in PERSONAL}
    values: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    if wanted:
        fields = ", ".join(f"'{column}': bronze.\"{raw}\"" for column, raw in wanted.items())
        for row in rows(
            con,
            f"""
            with acted as (
                select load_id, row_number, unnest(cleaning_actions) as action
                from silver.{table}
                where len(cleaning_actions) > 0
            )

            select
                split_part(acted.action, ':', 1) as column,
                split_part(acted.action, ':', 2) as reason,
                map {{{fields}}}[split_part(acted.action, ':', 1)] as value,
                count(*) as row_count
            from acted
            inner join bronze.{source} as bronze
                on acted.load_id = bronze._load_id and acted.row_number = bronze._row_number
            group by all
            """,
        ):
            if row["value"] is not None:
                values[row["column"], row["reason"]][row["value"]] += row["row_count"]
    for row in found:
        most = sorted(
            values[row["column"], row["reason"]].items(), key=lambda item: (-item[1], item[0])
        )
        row["examples"] = [_short(value) for value, _ in most[:examples]]
        row["distinct_values"] = len(most)
    return found


def stray_underscores(con: DuckDBPyConnection) -> list[Row]:
    """Numbers written with a trailing underscore per column: read without it, no value lost."""
    found: list[Row] = []
    present = _tables(con, "bronze")
    for source in CLEANED.values():
        if source not in present:
            continue
        columns = [
            name
            for name in _file_columns(con, source)
            if name.lower() not in PERSONAL
            and name not in IDENTIFIERS
            and not name.endswith("_date")
        ]
        counts = ", ".join(
            f"""count(*) filter (
                where "{column}"[-1] = '_' and regexp_matches("{column}", '^-?[0-9.]+_+$')
            ) as "{column}\""""
            for column in columns
        )
        counted = rows(con, f"select {counts} from bronze.{source}")[0]
        found += [
            {"source": source, "column": column.lower(), "row_count": count}
            for column, count in counted.items()
            if count
        ]
    return sorted(found, key=lambda row: (-row["row_count"], row["column"]))


def cleaning_effects(con: DuckDBPyConnection) -> list[Row]:
    """Mean of a raw number as a careless reader takes it, and of the cleaned one."""
    pairs = {
        "annual_income": "Annual_Income",
        "interest_rate": "Interest_Rate",
        "num_bank_accounts": "Num_Bank_Accounts",
        "num_of_loan": "Num_of_Loan",
    }
    parts = " union all ".join(
        f"""
        select
            '{column}' as column,
            avg(try_cast(rtrim(bronze."{raw}", '_') as double)) as raw_mean,
            avg(silver.{column}) as clean_mean
        from silver.customer_financials as silver
        inner join bronze.features_financials as bronze
            on silver.load_id = bronze._load_id and silver.row_number = bronze._row_number
        """
        for column, raw in pairs.items()
    )
    return rows(con, f"select * from ({parts}) order by 1")


def early_payments(con: DuckDBPyConnection) -> Row:
    """Financials with a negative delay, which is a payment before its due date."""
    return rows(
        con,
        """
        select
            count(*) as row_count,
            min(delay_from_due_date) as earliest,
            max(delay_from_due_date) as latest
        from silver.customer_financials
        where delay_from_due_date < 0
        """,
    )[0]


def later_clickstream_share(con: DuckDBPyConnection) -> float:
    """Of the clickstream rows that a join on the customer finds, those after the application."""
    return con.execute(
        """
        select coalesce(avg(cast(c.snapshot_date > a.application_date as integer)), 0)
        from gold.loan_applications as a
        inner join silver.clickstream as c on a.customer_id = c.customer_id
        """
    ).fetchone()[0]


def invalid_ssns(con: DuckDBPyConnection) -> int:
    """Profiles whose SSN is a filler: all that is kept of it."""
    return con.execute(
        "select count(*) from silver.customer_attributes where not is_ssn_valid"
    ).fetchone()[0]


# --- labels -------------------------------------------------------------------------------------


def default_definition(con: DuckDBPyConnection) -> str | None:
    """The label definition that the training set carries."""
    found = con.execute("select min(label_definition) from gold.training_set").fetchone()
    return found[0]


def label_rate_by_cohort(con: DuckDBPyConnection, definition: str) -> list[Row]:
    """Default rate per month of application, with the 95 % Wilson interval."""
    return rows(
        con,
        """
        with cohorts as (
            select
                cast(date_trunc('month', application_date) as date) as cohort,
                count(*) as loans,
                count(label) as labelled,
                cast(coalesce(sum(label), 0) as bigint) as defaults
            from gold.label_maturity
            where label_definition = ?
            group by cohort
        ),

        rates as (
            select
                *,
                1.959964 as z,
                defaults / nullif(labelled, 0) as rate
            from cohorts
        )

        select
            cohort,
            loans,
            labelled,
            defaults,
            rate,
            (rate + z * z / (2 * labelled)
                - z * sqrt(rate * (1 - rate) / labelled + z * z / (4 * labelled * labelled)))
            / (1 + z * z / labelled) as lower,
            (rate + z * z / (2 * labelled)
                + z * sqrt(rate * (1 - rate) / labelled + z * z / (4 * labelled * labelled)))
            / (1 + z * z / labelled) as upper
        from rates
        order by cohort
        """,
        [definition],
    )


def label_definitions(con: DuckDBPyConnection) -> list[Row]:
    """Per label definition: loans by maturity, defaults and rate."""
    return rows(
        con,
        """
        select
            maturity.label_definition,
            any_value(definitions.min_days_past_due) as min_days_past_due,
            any_value(definitions.months_on_book) as months_on_book,
            any_value(definitions.observed) as observed,
            count(*) as loans,
            count(maturity.label) as labelled,
            cast(coalesce(sum(maturity.label), 0) as bigint) as defaults,
            sum(maturity.label) / nullif(count(maturity.label), 0) as rate
        from gold.label_maturity as maturity
        inner join gold.label_definitions as definitions
            on maturity.label_definition = definitions.label_definition
        group by maturity.label_definition
        order by maturity.label_definition
        """,
    )


def maturity_by_cohort(con: DuckDBPyConnection, definition: str) -> list[Row]:
    """Loans per month of application and maturity of their label."""
    return rows(
        con,
        """
        select
            cast(date_trunc('month', application_date) as date) as cohort,
            maturity,
            count(*) as loans,
            max(matures_on) as matures_on
        from gold.label_maturity
        where label_definition = ?
        group by cohort, maturity
        order by cohort, maturity
        """,
        [definition],
    )


def splits(con: DuckDBPyConnection) -> list[Row]:
    """The training set's splits with their months, loans and default rate."""
    return rows(
        con,
        """
        select
            split,
            min(application_date) as first_application,
            max(application_date) as last_application,
            count(*) as loans,
            avg(label) as rate
        from gold.training_set
        group by split
        order by first_application, split
        """,
    )


def roll_forward(con: DuckDBPyConnection) -> list[Row]:
    """Money per month on book: lent, overdue, and overdue of the loans labelled a default.

    The same loans in every month: labelled ones that were followed to the last month that at
    least half of them reached.
    """
    return rows(
        con,
        """
        with repayments as (
            select repayments.*, labels.label
            from silver.loan_repayments as repayments
            inner join gold.label_store as labels
                on
                    repayments.loan_id = labels.loan_id
                    and labels.label_definition = (
                        select min(label_definition) from gold.training_set
                    )
        ),

        reached as (
            select mob, count(distinct loan_id) as loans
            from repayments
            group by mob
        ),

        last_month as (
            select max(mob) as mob from reached
            where loans >= 0.5 * (select max(loans) from reached)
        )

        select
            mob,
            count(*) as loans,
            sum(loan_amt) as lent,
            sum(overdue_amt) as overdue,
            coalesce(sum(overdue_amt) filter (where label = 1), 0) as overdue_of_defaults
        from repayments
        where
            mob <= (select mob from last_month)
            and loan_id in (
                select loan_id from repayments where mob = (select mob from last_month)
            )
        group by mob
        order by mob
        """,
    )


# --- features -----------------------------------------------------------------------------------


def presence_by_cohort(con: DuckDBPyConnection) -> list[Row]:
    """Loans per feature group, month of application and reason; reason null: there is a value."""
    parts = " union all ".join(
        f"select '{group}' as feature_group, {position} as position, application_date,"
        f" {group}_null_reason as reason from gold.feature_store"
        for position, group in enumerate(GROUPS)
    )
    return rows(
        con,
        f"""
        select
            feature_group,
            cast(date_trunc('month', application_date) as date) as cohort,
            reason,
            count(*) as loans
        from ({parts})
        group by feature_group, position, cohort, reason
        order by position, cohort, reason nulls first
        """,
    )


def catalog(con: DuckDBPyConnection) -> list[Row]:
    """The feature catalogue, the most telling features first."""
    return rows(
        con,
        """
        select
            *,
            -- how far from chance, whichever way the feature points
            abs(auc - 0.5) + 0.5 as strength
        from gold.feature_catalog
        order by strength desc nulls last, information_value desc nulls last, feature
        """,
    )


def group_summary(con: DuckDBPyConnection) -> list[Row]:
    """Per feature group: how many features, how full, and the best one alone."""
    return rows(
        con,
        """
        select
            feature_group,
            count(*) as features,
            avg(null_rate) as null_rate,
            arg_max(feature, abs(auc - 0.5)) as best_feature,
            max(abs(auc - 0.5)) + 0.5 as best_strength,
            max(information_value) as best_information_value,
            any_value(source) as source,
            any_value(point_in_time_rule) as point_in_time_rule
        from gold.feature_catalog
        group by feature_group
        order by feature_group
        """,
    )


def drift(con: DuckDBPyConnection, clickstream: int = 6) -> list[Row]:
    """PSI by feature and month: every feature but the clickstream's, of which the strongest."""
    return rows(
        con,
        """
        with shown as (
            select
                feature,
                feature_group,
                row_number() over (
                    partition by feature_group
                    order by abs(auc - 0.5) desc nulls last, feature
                ) as place
            from gold.feature_catalog
            where null_rate < 1
            qualify feature_group <> 'clickstream' or place <= ?
        )

        select
            shown.feature,
            shown.feature_group,
            drift.application_month,
            drift.loans,
            drift.null_rate,
            drift.psi,
            drift.psi_by_chance,
            drift.is_drifted
        from shown
        inner join gold.feature_drift as drift on shown.feature = drift.feature
        order by shown.feature_group, shown.place, drift.application_month
        """,
        [clickstream],
    )


def drifted_by_month(con: DuckDBPyConnection) -> list[Row]:
    """How many features of each group drifted in each month, and how many for want of values."""
    return rows(
        con,
        """
        select
            catalog.feature_group,
            drift.application_month,
            count(*) filter (where drift.is_drifted) as drifted,
            count(*) filter (where drift.is_drifted and drift.null_rate > 0.5) as mostly_unknown,
            count(*) as features
        from gold.feature_drift as drift
        inner join gold.feature_catalog as catalog on drift.feature = catalog.feature
        group by catalog.feature_group, drift.application_month
        order by catalog.feature_group, drift.application_month
        """,
    )


def one_timeline(con: DuckDBPyConnection) -> Row | None:
    """One defaulted loan with clickstream months before and after its application; no ids.

    The loan is the first by id among those with at least six months on both sides.
    """
    found = rows(
        con,
        """
        with labels as (
            select * from gold.label_store
            where
                label_definition = (select min(label_definition) from gold.training_set)
                and label = 1
        ),

        counted as (
            select
                labels.loan_id,
                labels.customer_id,
                labels.application_date,
                labels.label_date,
                labels.days_past_due,
                list(clickstream.snapshot_date order by clickstream.snapshot_date) as months,
                list(clickstream.fe_10 order by clickstream.snapshot_date) as readings,
                count(*) filter (where clickstream.snapshot_date <= labels.application_date)
                    as before,
                count(*) filter (where clickstream.snapshot_date > labels.application_date)
                    as after
            from labels
            inner join silver.clickstream on labels.customer_id = clickstream.customer_id
            group by all
        ),

        chosen as (
            select * from counted
            where before between 6 and 14 and after >= 6
            order by abs(before - 12), loan_id
            limit 1
        )

        select
            chosen.* exclude (loan_id, customer_id),
            features.attributes_snapshot_date,
            features.financials_snapshot_date,
            features.clickstream_snapshot_date,
            features.fe_10_mean_all,
            (
                select list({date: snapshot_date, mob: mob, dpd: days_past_due} order by mob)
                from silver.loan_repayments as repayments
                where repayments.loan_id = chosen.loan_id
            ) as repayments
        from chosen
        inner join gold.feature_store as features on chosen.loan_id = features.loan_id
        """,
    )
    return found[0] if found else None


def table_sizes(con: DuckDBPyConnection) -> list[Row]:
    """Rows and columns of every table of the datamart."""
    found = rows(
        con,
        """
        select table_schema as layer, table_name as table_name, count(*) as columns
        from information_schema.columns
        where table_schema in ('bronze', 'silver', 'gold')
        group by all
        order by layer, table_name
        """,
    )
    for row in found:
        row["rows"] = con.execute(
            f'select count(*) from {row["layer"]}."{row["table_name"]}"'
        ).fetchone()[0]
    return found


def group_power(con: DuckDBPyConnection, resamples: int = 200) -> list[Row]:
    """Out-of-time AUC of one light model per set of features, with its 95 % interval.

    A logistic model on the parts of `baseline.scorecard`, trained on the loans whose label was
    known on the first day of the test, tested on the later loans that have a clickstream. The last
    one joins without looking at dates.
    """
    from sklearn.compose import make_column_transformer  # late: seconds, and only the deck asks
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    from warehouse import baseline

    loans = baseline.load(con)
    numbers = [name for name in baseline.NUMBERS if name != "age"]
    texts = [name for name in baseline.CATEGORIES if name != "occupation"]
    evidence = [
        f"{counter}_{kind}_all" for counter in baseline.COUNTERS for kind in ("sum", "count")
    ]

    def of_window(window: str) -> Any:
        """The loans with the clickstream sums and counts of a window in the place of all."""
        columns = ", ".join(
            f"{counter}_{kind}_{window} as {counter}_{kind}_all"
            if window
            else f"{counter} as {counter}_sum_all, cast({counter} is not null as integer)"
            f" as {counter}_count_all"
            for counter in baseline.COUNTERS
            for kind in (("sum", "count") if window else ("sum",))
        )
        own = con.execute(f"select loan_id, {columns} from gold.training_set").df()
        own[evidence] = own[evidence].astype(float)
        return loans.drop(columns=evidence).merge(own, on="loan_id", how="left")

    def parts(numbers: list[str], texts: list[str], clicks: bool) -> Any:
        return make_pipeline(
            make_column_transformer(
                (baseline.Bins(), numbers),
                (OneHotEncoder(handle_unknown="ignore", sparse_output=False), texts),
                *([(make_pipeline(baseline.Evidence(), StandardScaler()), evidence)] * clicks),
                verbose_feature_names_out=False,
            ),
            LogisticRegression(C=0.1, max_iter=2000),
        )

    careless = """(
        select applications.loan_id, clickstream.* exclude (customer_id, snapshot_date)
        from gold.loan_applications as applications
        inner join silver.clickstream on applications.customer_id = clickstream.customer_id
    )"""
    cases = [
        (
            "attributes",
            "age, occupation",
            "attributes",
            loans,
            parts(["age"], ["occupation"], False),
        ),
        ("financials", "income, debt, credit", "financials", loans, parts(numbers, texts, False)),
        ("clickstream, 1 month", "the latest reading", "clickstream", of_window(""), None),
        ("clickstream, 3 months", "", "clickstream", of_window("3m"), None),
        ("clickstream, 6 months", "", "clickstream", of_window("6m"), None),
        ("clickstream, 12 months", "", "clickstream", of_window("12m"), None),
        ("clickstream, all history", "up to the application", "clickstream", loans, None),
        ("all groups", "the baseline scorecard", "gold", loans, baseline.scorecard()),
        (
            "all groups, careless join",
            "months after the application as well",
            "bad",
            baseline.with_clickstream_of(con, loans, careless),
            baseline.scorecard(),
        ),
    ]
    found = []
    for name, note, role, frame, model in cases:
        split = baseline.split_by_date(frame, labels_known_by_test=True)
        if min(split.train.label.nunique(), split.test.label.nunique()) < 2:
            continue
        fitted = (model or parts([], [], True)).fit(split.train, split.train.label)
        risk = baseline.default_risk(fitted, split.test)
        label = split.test.label.to_numpy()
        lower, upper = baseline.auc_interval(label, risk, resamples)
        ranked = sorted(zip(risk, label, strict=True), key=lambda pair: -pair[0])
        fifth = ranked[: len(ranked) // 5]
        found.append(
            {
                "name": name,
                "note": note,
                "role": role,
                "auc": float(roc_auc_score(label, risk)),
                "lower": lower,
                "upper": upper,
                "train_loans": len(split.train),
                "test_loans": len(split.test),
                "first_test": split.test.application_date.min(),
                "last_test": split.test.application_date.max(),
                # of all defaults, how many are among the riskiest fifth
                "caught_in_fifth": float(sum(pair[1] for pair in fifth) / label.sum()),
            }
        )
    return found


# --- runs ---------------------------------------------------------------------------------------


def timings(manifests: list[dict[str, Any]]) -> list[Row]:
    """Seconds per step of the runs that were published, oldest first."""
    return [
        {
            "run_id": manifest["run_id"],
            "seconds": {name: float(value) for name, value in manifest["seconds"].items()},
            "total": float(sum(manifest["seconds"].values())),
            "landed": "land" in manifest["seconds"],
        }
        for manifest in sorted(manifests, key=lambda manifest: manifest["run_id"])
        if manifest.get("seconds")
    ]


def _tables(con: DuckDBPyConnection, layer: str) -> set[str]:
    return {
        row["table_name"]
        for row in rows(
            con,
            "select table_name from information_schema.tables where table_schema = ?",
            [layer],
        )
    }
