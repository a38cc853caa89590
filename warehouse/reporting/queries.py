"""The figures of report, deck and notebooks, each one query over bronze.*, silver.* and gold.*.

A function takes a connection to which a datamart is attached (`catalog.attach`) and returns rows
as dicts, in the order in which they are shown, or the one figure it is named for. None returns a
name, an SSN or a customer.
"""

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date
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
            case layer when 'file' then 1 when 'bronze' then 2 when 'silver' then 3 else 4 end,
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
                coalesce(sum(row_count) filter (where layer = 'silver'), 0) as at_silver,
                coalesce(sum(row_count) filter (where fate = 'used'), 0) as used,
                coalesce(sum(row_count) filter (where layer = 'gold'), 0) as at_gold
            from gold.row_ledger
            group by source
        )

        select
            source,
            cast(in_files as bigint) as in_files,
            cast(in_files - at_bronze as bigint) as lost_at_bronze,
            cast(landed - at_silver as bigint) as lost_at_silver,
            cast(used - at_gold as bigint) as lost_at_gold
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


def stray_underscores(con: DuckDBPyConnection, examples: int = 2) -> list[Row]:
    """Numbers written with a trailing underscore per column: read without it, no value lost.

    unreadable: how many of them a plain cast would make null.
    """
    present = _tables(con, "bronze")
    parts = [
        f"""
        select
            '{source}' as source,
            '{column.lower()}' as column,
            'trailing_underscore' as reason,
            count(*) as row_count,
            count(*) - count(try_cast("{column}" as double)) as unreadable,
            list(distinct "{column}" order by length("{column}"), "{column}")[:{examples}]
                as examples
        from bronze.{source}
        where "{column}"[-1] = '_' and regexp_matches("{column}", '^-?[0-9.]+_+$')
        """
        for source in CLEANED.values()
        if source in present
        for column in _file_columns(con, source)
        if column.lower() not in PERSONAL
        and column not in IDENTIFIERS
        and not column.endswith("_date")
    ]
    if not parts:
        return []
    return rows(
        con,
        f"""
        select * from ({" union all ".join(parts)})
        where row_count > 0
        order by row_count desc, "column"
        """,
    )


def cleaning_effects(con: DuckDBPyConnection) -> list[Row]:
    """Mean of a raw number as a careless reader takes it, underscores cut off, and cleaned."""
    pairs = {
        "amount_invested_monthly": "Amount_invested_monthly",
        "annual_income": "Annual_Income",
        "interest_rate": "Interest_Rate",
        "num_bank_accounts": "Num_Bank_Accounts",
        "num_of_loan": "Num_of_Loan",
    }
    parts = " union all ".join(
        f"""
        select
            '{column}' as column,
            avg(try_cast(trim(bronze."{raw}", '_') as double)) as raw_mean,
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


def contradiction(con: DuckDBPyConnection) -> Row | None:
    """A number that is possible alone but not beside the salary of its row, as the file has it."""
    found = rows(
        con,
        """
        select
            split_part(action, ':', 1) as column,
            bronze."Annual_Income" as annual_income,
            bronze."Total_EMI_per_month" as total_emi_per_month,
            bronze."Monthly_Inhand_Salary" as monthly_inhand_salary
        from (
            select load_id, row_number, unnest(cleaning_actions) as action
            from silver.customer_financials
        ) as silver
        inner join bronze.features_financials as bronze
            on silver.load_id = bronze._load_id and silver.row_number = bronze._row_number
        where action in ('annual_income:inconsistent', 'total_emi_per_month:inconsistent')
        order by silver.load_id, silver.row_number
        limit 1
        """,
    )
    if not found:
        return None
    column = found[0]["column"]
    return {
        "column": column,
        "value": found[0][column],
        "salary": found[0]["monthly_inhand_salary"],
    }


def ambiguous_dates(con: DuckDBPyConnection) -> Row:
    """Snapshot dates that are another valid date when day and month change places."""
    present = _tables(con, "silver")
    parts = " union all ".join(
        f"select snapshot_date from silver.{table}" for table in CLEANED if table in present
    )
    return rows(
        con,
        f"""
        select
            count(*) as dates,
            count(*) filter (where day(snapshot_date) <= 12 and day(snapshot_date)
                <> month(snapshot_date)) as ambiguous,
            max(snapshot_date) filter (where day(snapshot_date) <= 12 and day(snapshot_date)
                <> month(snapshot_date)) as example
        from ({parts})
        """,
    )[0]


def one_missed_instalment(con: DuckDBPyConnection) -> Row:
    """How many days past due the rows are that miss exactly one instalment."""
    return rows(
        con,
        """
        select
            count(*) as row_count,
            min(days_past_due) as fewest,
            max(days_past_due) as most,
            count(*) filter (where days_past_due < 30) as below_30
        from silver.loan_repayments
        where installments_missed = 1
        """,
    )[0]


def short_histories(con: DuckDBPyConnection, below: int = 3) -> int:
    """Loans whose clickstream has months, but fewer than so many."""
    return con.execute(
        "select count(*) from gold.feature_store where clickstream_months_all between 1 and ?",
        [below - 1],
    ).fetchone()[0]


def newest_application(con: DuckDBPyConnection) -> date | None:
    """The day of the latest application."""
    return con.execute("select max(application_date) from gold.loan_applications").fetchone()[0]


def minors(con: DuckDBPyConnection) -> int:
    """Applicants that the files say were under 18 on the day of the application."""
    return con.execute("select count(*) from gold.feature_store where age < 18").fetchone()[0]


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
    """Per label definition: loans by maturity, defaults and rate, loans the default one judges
    otherwise."""
    return rows(
        con,
        """
        with default_labels as (
            select loan_id, label from gold.label_maturity
            where label_definition = (select min(label_definition) from gold.training_set)
        )

        select
            maturity.label_definition,
            any_value(definitions.min_days_past_due) as min_days_past_due,
            any_value(definitions.months_on_book) as months_on_book,
            any_value(definitions.observed) as observed,
            count(*) as loans,
            count(maturity.label) as labelled,
            cast(coalesce(sum(maturity.label), 0) as bigint) as defaults,
            sum(maturity.label) / nullif(count(maturity.label), 0) as rate,
            count(*) filter (maturity.label <> default_labels.label) as judged_otherwise
        from gold.label_maturity as maturity
        inner join gold.label_definitions as definitions
            on maturity.label_definition = definitions.label_definition
        left join default_labels on maturity.loan_id = default_labels.loan_id
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


def one_timeline(con: DuckDBPyConnection, loan_id: str | None = None) -> Row | None:
    """One defaulted loan with clickstream months before and after its application; no ids.

    The loan asked for, or of those with at least six months on both sides the first one by id
    that has a year before.
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
            where before between 6 and 14 and after >= 6 and loan_id = coalesce($1, loan_id)
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
        [loan_id],
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
    known on the first day of the test, tested on the later loans that have a clickstream; all
    groups on those without one as well. The last one joins without looking at dates: it has also
    what it keeps in use, `kept`.
    """
    from sklearn.compose import make_column_transformer  # late: seconds, and only the deck asks
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    from warehouse.modelling import baseline

    loans = baseline.load(con)
    split = baseline.split_by_date(loans, labels_known_by_test=True)
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

    def light(numbers: list[str], texts: list[str], has_clicks: bool) -> Any:
        clicks = (make_pipeline(baseline.Evidence(), StandardScaler()), evidence)
        return make_pipeline(
            make_column_transformer(
                (baseline.Bins(), numbers),
                (OneHotEncoder(handle_unknown="ignore", sparse_output=False), texts),
                *([clicks] if has_clicks else []),
                verbose_feature_names_out=False,
            ),
            LogisticRegression(C=0.1, max_iter=2000),
        )

    def row(name: str, note: str, role: str, model: Any, test: Any) -> Row:
        label, risk = test.label.to_numpy(), baseline.default_risk(model, test)
        lower, upper = baseline.auc_interval(label, risk, resamples)
        caught, rate = baseline.caught(label, risk)
        return {
            "name": name,
            "note": note,
            "role": role,
            "auc": float(roc_auc_score(label, risk)),
            "lower": lower,
            "upper": upper,
            "train_loans": len(split.train),
            "test_loans": len(test),
            "first_test": test.application_date.min(),
            "last_test": test.application_date.max(),
            # of all defaults, how many are among the riskiest fifth, and how many default there
            "caught_in_fifth": caught,
            "rate_in_fifth": rate,
        }

    if min(split.train.label.nunique(), split.test.label.nunique()) < 2:
        return []
    history = light([], [], has_clicks=True)
    cases = [
        ("attributes", "age, occupation", loans, light(["age"], ["occupation"], False)),
        ("financials", "income, debt, credit", loans, light(numbers, texts, False)),
        ("clickstream, 1 month", "the latest reading", of_window(""), history),
        ("clickstream, 3 months", "", of_window("3m"), history),
        ("clickstream, 6 months", "", of_window("6m"), history),
        ("clickstream, 12 months", "", of_window("12m"), history),
        ("clickstream, all history", "up to the application", loans, history),
        ("all groups", "the baseline scorecard", loans, baseline.scorecard()),
    ]
    found = []
    for name, note, frame, model in cases:
        own = baseline.split_by_date(frame, labels_known_by_test=True)
        fitted = model.fit(own.train, own.train.label)
        role = {"all groups": "gold"}.get(name, name.partition(",")[0])
        found.append(row(name, note, role, fitted, own.test))
    everything, without = found[-1], split.test_without_clickstream
    if without.label.nunique() == 2:
        note = "the same scorecard on those loans"
        found.append(row("without a clickstream", note, "faint", fitted, without))
    careless = """(
        select applications.loan_id, clickstream.* exclude (customer_id, snapshot_date)
        from gold.loan_applications as applications
        inner join silver.clickstream on applications.customer_id = clickstream.customer_id
    )"""
    judged = baseline.judge(con, baseline.scorecard(), split, careless)
    found.append(
        everything
        | {
            "name": "all groups, careless join",
            "note": "months after the application as well",
            "role": "bad",
            "auc": judged["shown"],
            "lower": judged["lower"],
            "upper": judged["upper"],
            "kept": judged["kept"],
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
