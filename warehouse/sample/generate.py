"""Made-up raw files with the columns, the dirt and the signal of the real ones.

    python -m warehouse.sample.generate --customers 1200 --seed 7 --out data

What the real files lack is planted as well: repeat borrowers, several snapshots a customer,
missing months, duplicate, restated and late rows, customers without a profile, loans whose label
window is still open, and a few rows that no rule can save. No person or number in it is real.

How it works. Everything is a function of (seed, customer number, row): a block of customers is
one SQL query that DuckDB streams into a CSV part, and the parts are joined in order. So the files
are the same byte for byte on any number of threads, a customer is the same in a small set and in
a large one, and the memory needed does not grow with the number of customers.

How it draws. Each customer and each row starts a generator of its own (Park and Miller's
"minimal standard", x -> 48271 x mod 2^31 - 1) from an md5 of its key, and each named draw takes
one fixed far-away number of it. That is plain integer arithmetic, so it does not change with the
release of DuckDB, as its `hash()` may. Only how a float is printed is DuckDB's own.
"""

import argparse
import os
import shutil
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import NamedTuple, NoReturn

import duckdb

# ---------------------------------------------------------------------------------------------
# The calendar. Counts in comments below are rows of the 12,500 customers of the real set.
# ---------------------------------------------------------------------------------------------

FIRST_MONTH = "2023-01-01"
LOAN_MONTHS = 25  # loans start on the first of 2023-01 .. 2025-01
CLICKSTREAM_MONTHS = 24  # 2023-01 .. 2024-12
CLICKSTREAM_LOAN_MONTHS = 18  # clickstream only for customers whose first loan began by 2024-06
HORIZON = "2025-04-01"  # nothing is known after this day, so loans after 2024-10 are unlabelled
TENURE = 10
INSTALMENT = 1000

# ---------------------------------------------------------------------------------------------
# The signal. A customer is risky or not, for good: 28.8 % are. The first loan of a risky customer
# defaults and no other does, as in the real set; later loans follow their customer loosely.
# ---------------------------------------------------------------------------------------------

RISKY_SHARE = 0.288
LATER_DEFAULT_SHARE = {"risky": 0.75, "sound": 0.15}
SECOND_LOAN_SHARE = {"risky": 0.20, "sound": 0.26}  # tried; those after 2025-01 do not happen
THIRD_LOAN_SHARE = 0.35  # of those who tried a second one

# Counters are noise around 100. A risky customer has 5, 10, .. 25 more in fe_1 .. fe_5, any other
# customer the same in fe_6 .. fe_10; fe_11 .. fe_20 tell nothing. (Fitted to the real set.)
COUNTER_MEAN = 100
COUNTER_SD = 100
COUNTER_STEP = 5

# Instalments paid in full by the end of MOB 1 .. 5 by a loan in default, and how many did so.
# Nothing is paid after that. A loan not in default pays every instalment on its day.
DEFAULT_PATHS = {
    (1, 2, 2, 2, 2): 905,
    (1, 1, 1, 1, 1): 541,
    (1, 2, 3, 3, 3): 535,
    (1, 1, 3, 3, 3): 375,
    (1, 2, 2, 4, 4): 224,
    (0, 2, 2, 2, 2): 210,
    (0, 2, 3, 3, 3): 141,
    (0, 0, 0, 0, 0): 132,
    (1, 1, 1, 4, 4): 131,
    (1, 2, 3, 4, 4): 107,
    (0, 0, 3, 3, 3): 82,
    (1, 1, 3, 4, 4): 77,
    (0, 2, 2, 4, 4): 46,
    (0, 0, 0, 4, 4): 45,
    (0, 2, 3, 4, 4): 32,
    (0, 0, 3, 4, 4): 19,
}
SLIP_SHARE = 0.03  # other loans that miss one instalment and make it up a month later ...
PARTIAL_SLIP_SHARE = 0.5  # ... of which half of it only; the real set has neither


# Six kinds of borrower, two to each credit mix: one is mostly sound, the other mostly risky.
# Given its kind, a figure tells nothing more about the risk. Each has a low, a middle (half of
# the borrowers are below it) and a high; both halves are filled evenly.
# fmt: off
KIND_SHARES = {
    "sound": (0.345, 0.025, 0.45, 0.045, 0.095, 0.04),
    "risky": (0.06, 0.10, 0.11, 0.27, 0.12, 0.34),
}
CREDIT_MIXES = ("Good", "Good", "Standard", "Standard", "Bad", "Bad")
PAYS_MINIMUM_SHARES = (0.0, 0.0, 0.74, 0.9, 1.0, 1.0)
FIGURES = {
    "age":              ((18, 37, 57), (18, 36, 57), (15, 33, 56),
                         (14.5, 31, 53), (14, 30, 47), (14, 30, 47)),
    "income":           ((9600, 52e3, 170e3), (9600, 52e3, 170e3), (7100, 36e3, 140e3),
                         (7010, 28e3, 120e3), (7010, 21e3, 82e3), (7010, 21e3, 82e3)),
    "bank_accounts":    ((0, 3, 6), (0, 3, 6), (3, 6, 8), (3, 7, 10), (6, 8, 10), (6, 8, 10)),
    "credit_cards":     ((1, 4, 7), (3, 5, 7), (3, 5, 7), (3, 6, 10), (5, 7, 10), (5, 7, 10)),
    "interest_rate":    ((1, 6, 12), (1, 7, 12), (4, 13, 20),
                         (8, 20, 34), (15, 24, 34), (15, 24, 34)),
    "loans":            ((-0.5, 2, 4.5), (-0.5, 2, 4.5), (-0.5, 2.8, 6.5),
                         (1, 4, 7), (5, 7, 9), (2, 6, 9)),
    "delay_days":       ((0, 8, 18), (4, 20, 31), (5, 18, 30),
                         (6, 24, 60), (14, 38, 62), (14, 38, 62)),
    "delayed_payments": ((0, 7, 14), (0, 7, 14), (6, 14, 22),
                         (6, 14, 22), (13, 20, 26), (13, 20, 26)),
    "limit_change":     ((-2, 6, 14), (-2, 6, 14), (1, 10.5, 20),
                         (6, 13, 22), (2, 20, 36), (-6, 7, 27)),
    "inquiries":        ((0, 4, 8), (0, 4, 8), (0, 6, 10), (4, 9, 17), (6, 11, 16), (6, 11, 16)),
    "debt":             ((1, 720, 1498), (1, 760, 1498), (1, 800, 1500),
                         (900, 1750, 2699), (2500, 3700, 4998), (1250, 1900, 2900)),
    "history_months":   ((188, 296, 404), (188, 290, 404), (100, 236, 404),
                         (68, 170, 270), (8, 95, 200), (60, 140, 245)),
}
# fmt: on

AGES = (14, 56)  # the least and the most in the real set, below likewise
HISTORY_MONTHS = (0, 407)
SALARY_MOST = 15_204.5
BALANCE_MOST = 1_460

DRIFT = 0.12  # how far along its range a figure may move between two snapshots of a customer

# What is left of a month's salary is exact in the real set:
# balance = salary / 10 - invested - EMI + the amount that goes with the payment behaviour.
BEHAVIOURS = {  # name: (share, amount)
    "High_spent_Large_value_payments": (0.146, 240),
    "High_spent_Medium_value_payments": (0.195, 250),
    "High_spent_Small_value_payments": (0.121, 260),
    "Low_spent_Large_value_payments": (0.113, 270),
    "Low_spent_Medium_value_payments": (0.147, 280),
    "Low_spent_Small_value_payments": (0.278, 290),
}
MOST_LOANS = 9  # entries of Type_of_Loan
LOAN_KINDS = (
    "Auto Loan", "Credit-Builder Loan", "Debt Consolidation Loan", "Home Equity Loan",
    "Mortgage Loan", "Not Specified", "Payday Loan", "Personal Loan", "Student Loan",
)  # fmt: skip
OCCUPATIONS = (
    "Accountant", "Architect", "Developer", "Doctor", "Engineer", "Entrepreneur", "Journalist",
    "Lawyer", "Manager", "Mechanic", "Media_Manager", "Musician", "Scientist", "Teacher", "Writer",
)  # fmt: skip
FIRST_NAMES = (
    "Adaline", "Bram", "Corvin", "Delphine", "Elodie", "Farrin", "Gisela", "Halden", "Ilka",
    "Jorun", "Kestrel", "Linnea", "Marlo", "Nevin", "Odalys", "Perrin", "Quilla", "Rowena",
    "Soren", "Tamsin", "Ulric", "Vesna", "Wendel", "Xenia", "Yorick", "Zelda",
)  # fmt: skip
LAST_NAMES = (
    "Amberlow", "Brackwater", "Cinderford", "Dunmarrow", "Eastergill", "Fennimoor", "Garrowby",
    "Hollincote", "Ivesdale", "Jessamy", "Kettlewick", "Larkspur", "Mossgrave", "Nettlefield",
    "Oakhanger", "Pennifold", "Quarrington", "Ravensby", "Silverthorn", "Tumbledown",
    "Underhay", "Violetta", "Wexcombe", "Yarrowdale", "Zephyrine",
)  # fmt: skip

# ---------------------------------------------------------------------------------------------
# The dirt, as shares of rows.
# ---------------------------------------------------------------------------------------------


class Dirt(NamedTuple):
    """What is wrong with a column, and how often; a value has at most one placeholder."""

    placeholder: str = ""
    placeholder_share: float = 0.0
    outlier_share: float = 0.0
    outlier_from: int = 0
    outlier_to: int = 0
    underscore_share: float = 0.0  # trailing, as in `28_`


DIRT = {
    # 104 of -500, about 194 outliers, 637 underscores
    "age": Dirt("-500", 0.0083, 0.0155, 100, 8_700, 0.051),
    "ssn": Dirt("#F%$D@*&8", 0.0562),  # 703
    "occupation": Dirt("_______", 0.0704),  # 880
    "income": Dirt("", 0, 0.0091, 250_000, 23_800_000, 0.0687),  # 114, 859
    "bank_accounts": Dirt("", 0, 0.0134, 12, 1_756),  # 167; -1 see below
    "credit_cards": Dirt("", 0, 0.0237, 12, 1_499),  # 296
    "interest_rate": Dirt("", 0, 0.0216, 35, 5_789),  # 270
    "loans": Dirt("-100", 0.0400, 0.0054, 10, 1_495, 0.0498),  # 500, 67, 623
    "delayed_payments": Dirt("", 0, 0.0084, 29, 4_293, 0.0299),  # 105, 374
    "limit_change": Dirt("_", 0.0203),  # 254
    "inquiries": Dirt("", 0, 0.0156, 18, 2_554),  # 195
    "credit_mix": Dirt("_", 0.2089),  # 2,611
    "debt": Dirt("", 0, 0, 0, 0, 0.0111),  # 139
    "minimum": Dirt("NM", 0.1150),  # 1,438
    "emi": Dirt("", 0, 0.0326, 1_801, 81_971),  # 408
    "invested": Dirt("__10000__", 0.0446),  # 558
    "behaviour": Dirt("!@9#%8", 0.0798),  # 998
}
NEGATIVE_SHARE = {"delay_days": 0.0070, "delayed_payments": 0.0067}  # 88 of -1..-5, 84 of -1..-3
QUOTED_NAME_SHARE = 0.0086  # 107 such as `ODonnell"d`
COMMA_NAME_SHARE = 0.0010  # 12 such as `, Asiaf`
LONG_FRACTION_SHARE = 0.03  # 9.340000000000002 for 9.34
LOST_BALANCE = "__-333333333333333333333333333__"  # 1 row: a customer in 12,500 ...
LOST_BALANCE_AT = (12_500, 80)  # ... and so placed by customer number, to be in a small set too
MINUS_ONE_ACCOUNT_AT = (12_500, 120)  # 4 rows, likewise

# ---------------------------------------------------------------------------------------------
# What the real set lacks.
# ---------------------------------------------------------------------------------------------

NO_ATTRIBUTES_SHARE = 0.02
NO_FINANCIALS_SHARE = 0.02
SNAPSHOT_SHARE = {
    "early": 0.08,  # the snapshot of the first application dates from 3 to 25 days before it
    "unseen": 0.01,  # there is none up to the first application, only one after it
    "before": 0.25,  # a further one, 2 to 8 months before the first application
    "after": 0.20,  # a further one, 1 to 9 months after it
    "again": 0.75,  # a further one at a later loan's application
}
OCCUPATION_CHANGE_SHARE = 0.15
NO_CLICKSTREAM_SHARE = 0.02  # customers that should have a clickstream and do not
NEWCOMER_SHARE = 0.05  # customers whose clickstream begins 1 to 12 months late
GAPPY_SHARE = 0.08  # customers that lack a quarter of their months
GAP_SHARE = 0.25

# What happens to a row on its way into the file. `late`: it stands at the end. `duplicate`: the
# same again at the end. `restated`: a first version in its place, the right one at the end.
# `missing`: never arrived. The last four cannot be used: no key, no date, the 30th of February,
# too few fields. Profile files take more of each, so that a small set has every kind.
PROFILE_FATES = {
    "late": 0.0100,
    "duplicate": 0.0080,
    "restated": 0.0080,
    "no_key": 0.0015,
    "no_date": 0.0015,
    "bad_date": 0.0015,
    "ragged": 0.0015,
}
MONTHLY_FATES = {
    "late": 0.0040,
    "duplicate": 0.0040,
    "restated": 0.0040,
    "missing": 0.0030,
    "no_key": 0.0004,
    "no_date": 0.0004,
    "bad_date": 0.0004,
    "ragged": 0.0004,
}

BLOCK = 50_000  # customers a query: what bounds the memory, and changes nothing else

# ---------------------------------------------------------------------------------------------
# Draws: each returns the text of a SQL expression.
# ---------------------------------------------------------------------------------------------

PRIME = 2**31 - 1
MULTIPLIER = 48271


def start(seed: int, *key: str) -> str:
    """The first number, 1 .. PRIME - 1, of the generator that belongs to a key."""
    return (
        f"cast(md5_number_lower(concat_ws('|', {seed}, {', '.join(key)})) % {PRIME - 1} as bigint)"
        " + 1"
    )


def draw(name: str, state: str = "customer_state") -> str:
    """A number above 0 and below 1, evenly spread: the one called `name` of this generator."""
    jump = pow(MULTIPLIER, zlib.crc32(name.encode()), PRIME)
    return f"({state} * {jump} % {PRIME} / {PRIME}.0)"


def whole(low: int, high: int, name: str, state: str = "customer_state") -> str:
    """A whole number from low to high, both included."""
    return f"({low} + cast(floor({draw(name, state)} * {high - low + 1}) as integer))"


def choice(values: dict[str, float], position: str, otherwise: str = "null") -> str:
    """The value in whose share a position between 0 and 1 falls; keys are SQL."""
    total, branches = 0.0, []
    for value, share in values.items():
        total += share
        branches.append(f"when {position} < {total:.6f} then {value}")
    return f"case {' '.join(branches)} else {otherwise} end"


def text(value: str) -> str:
    """A SQL string literal."""
    return "'" + value.replace("'", "''") + "'"


def texts(values: tuple[str, ...]) -> str:
    """A SQL list of string literals."""
    return f"[{', '.join(text(value) for value in values)}]"


def one_of(values: tuple[str, ...], name: str, state: str = "customer_state") -> str:
    """One of some texts, all alike in frequency."""
    return f"{texts(values)}[{whole(1, len(values), name, state)}]"


def within(bounds: tuple[int, int], value: str) -> str:
    """A value held between the least and the most."""
    return f"least(greatest({value}, {bounds[0]}), {bounds[1]})"


def fate_of(fates: dict[str, float], position: str) -> str:
    """What happens to a row, by a position between 0 and 1."""
    return choice({text(fate): share for fate, share in fates.items()}, position, "'kept'")


def figure(name: str) -> str:
    """A figure as the customer's kind has it, a little elsewhere in every further snapshot."""
    position = (
        f"least(greatest({draw(name)} + if(slot = 0, 0, "
        f"{DRIFT} * ({draw(name, 'row_state')} - 0.5)), 0), 1)"
    )
    return f"along({position}, kind.{name}_range)"


def dirty(name: str, value: str, outlier_type: str = "integer") -> str:
    """A value as text, spoilt in the ways and shares of `DIRT`."""
    dirt = DIRT[name]
    width = dirt.outlier_to - dirt.outlier_from
    size = f"floor({dirt.outlier_from} + {draw(f'size {name}', 'row_state')} * {width})"
    spoilt = {
        text(dirt.placeholder): dirt.placeholder_share,
        f"cast(cast({size} as {outlier_type}) as varchar)": dirt.outlier_share,
    }
    clean = f"cast({value} as varchar)"
    if dirt.underscore_share:
        underscore = draw(f"underscore {name}", "row_state")
        clean = f"concat({clean}, if({underscore} < {dirt.underscore_share}, '_', ''))"
    shares = {value: share for value, share in spoilt.items() if share}
    return choice(shares, draw(f"spoilt {name}", "row_state"), clean) if shares else clean


def long_fraction(name: str, value: str) -> str:
    """A rounded number that now and then shows what binary floats leave behind."""
    is_long = f"{draw(f'fraction {name}', 'row_state')} < {LONG_FRACTION_SHARE}"
    return f"({value}) * if({is_long}, cast(1 + 4.5e-16 as double), 1)"


# ---------------------------------------------------------------------------------------------
# Customers
# ---------------------------------------------------------------------------------------------


class Block(NamedTuple):
    """A stretch of customer numbers, and of months counted from the first one."""

    customers: range
    months: range


def customers_ctes(seed: int, block: Block) -> str:
    """One row per customer: who they are and when they borrow."""
    last_kind = str(len(CREDIT_MIXES) - 1)
    kind_no = {
        risk: choice(
            {str(number): share for number, share in enumerate(shares)}, draw("kind"), last_kind
        )
        for risk, shares in KIND_SHARES.items()
    }
    return f"""
    numbered as (
        select
            range as customer_no,
            {start(seed, "'customer'", "range")} as customer_state
        from range({block.customers.start}, {block.customers.stop})
    ),
    borrowers as (
        select
            *,
            -- Ids are as thinly spread as real ones; the middle term keeps them apart.
            'CUS_0x' || lower(hex(1000 + customer_no * 4 + {whole(0, 3, "id")})) as customer_id,
            {draw("risk")} < {RISKY_SHARE} as is_risky,
            if(is_risky, {kind_no["risky"]}, {kind_no["sound"]}) as kind_no,
            {whole(0, LOAN_MONTHS - 1, "first loan")} as first_loan_month,
            {draw("second loan")} < if(
                is_risky, {SECOND_LOAN_SHARE["risky"]}, {SECOND_LOAN_SHARE["sound"]}
            ) as borrows_twice,
            borrows_twice and {draw("third loan")} < {THIRD_LOAN_SHARE} as borrows_thrice,
            first_loan_month + {whole(3, 15, "second gap")} as second_month,
            second_month + {whole(3, 12, "third gap")} as third_month,
            if(
                borrows_twice and second_month < {LOAN_MONTHS}, second_month, null
            ) as second_loan_month,
            if(
                borrows_thrice and third_month < {LOAN_MONTHS}, third_month, null
            ) as third_loan_month
        from numbered
    ),
    customers as (
        select
            *,
            {month_start("first_loan_month")} as first_loan_date,
            {month_start("second_loan_month")} as second_loan_date,
            {month_start("third_loan_month")} as third_loan_date
        from borrowers
    )"""


def month_start(month: str) -> str:
    """The first day of a month, counted from `FIRST_MONTH`."""
    return f"cast(date '{FIRST_MONTH}' + to_months(cast({month} as integer)) as date)"


# ---------------------------------------------------------------------------------------------
# Loans
# ---------------------------------------------------------------------------------------------


def loan_rows(seed: int, block: Block) -> str:
    """One row per loan and instalment date up to the horizon."""
    paths = "[" + ", ".join(str(list(path)) for path in DEFAULT_PATHS) + "]"
    weight = sum(DEFAULT_PATHS.values())
    path_no = choice(
        {str(number): count / weight for number, count in enumerate(DEFAULT_PATHS.values(), 1)},
        draw("path", "loan_state"),
        "1",
    )
    return f"""
    with {customers_ctes(seed, block)},
    loan_starts as (
        select
            *,
            unnest([first_loan_date, second_loan_date, third_loan_date]) as loan_start_date,
            unnest([1, 2, 3]) as loan_no
        from customers
    ),
    loans as (
        select
            *,
            customer_id || strftime(loan_start_date, '_%Y_%m_%d') as loan_id,
            {start(seed, "'loan'", "customer_no", "loan_no")} as loan_state,
            case
                when loan_no = 1 then is_risky
                when is_risky then
                    {draw("defaults", "loan_state")} < {LATER_DEFAULT_SHARE["risky"]}
                else {draw("defaults", "loan_state")} < {LATER_DEFAULT_SHARE["sound"]}
            end as defaults,
            {paths}[{path_no}] as default_path,
            if(
                {draw("slips", "loan_state")} < {SLIP_SHARE},
                {whole(1, TENURE, "slip month", "loan_state")},
                null
            ) as slip_month,
            if({draw("partial", "loan_state")} < {PARTIAL_SLIP_SHARE}, 0.5, 1.0) as slip_size
        from loan_starts
        where loan_start_date is not null
    ),
    instalments as (
        select
            *,
            range as mob,
            cast(loan_start_date + to_months(cast(range as integer)) as date) as due_date,
            {start(seed, "'instalment'", "customer_no", "loan_no", "range")} as row_state
        from loans
        cross join range({TENURE + 1})
        where due_date <= date '{HORIZON}'
    ),
    paid as (
        select
            *,
            {instalments_paid("mob")} as paid_so_far,
            {instalments_paid("mob - 1")} as paid_before
        from instalments
    )
    select
        loan_id,
        customer_id as "Customer_ID",
        loan_start_date,
        {TENURE} as tenure,
        mob as installment_num,
        {TENURE * INSTALMENT} as loan_amt,
        cast(if(mob = 0, 0, {INSTALMENT}) as double) as due_amt,
        cast({INSTALMENT} * (paid_so_far - paid_before) as double) as paid_amt,
        cast({INSTALMENT} * (mob - paid_so_far) as double) as overdue_amt,
        cast({INSTALMENT} * ({TENURE} - paid_so_far) as double) as balance,
        due_date as snapshot_date,
        customer_no,
        loan_no * 100 + mob as position,
        if(
            mob = 0, 'kept', {fate_of(MONTHLY_FATES, draw("fate", "row_state"))}
        ) as fate,
        -- A first version that is put right later: a payment not yet booked, or one sent back.
        cast(if(paid_amt > 0, -paid_amt, due_amt) as double) as misbooked
    from paid"""


def instalments_paid(mob: str) -> str:
    """How many instalments a loan has paid by a month on book."""
    return (
        f"case when {mob} <= 0 then 0 "
        f"when defaults then default_path[least({mob}, 5)] "
        f"when {mob} = slip_month then {mob} - slip_size "
        f"else {mob} end"
    )


# ---------------------------------------------------------------------------------------------
# Clickstream
# ---------------------------------------------------------------------------------------------


def clickstream_rows(seed: int, block: Block) -> str:
    """One row per customer with an early enough loan and month."""
    pairs = range(1, 11)
    waves = ",\n            ".join(
        f"{COUNTER_SD} * sqrt(-2 * ln({draw(f'radius {pair}', 'row_state')})) as radius_{pair},\n"
        f"            2 * pi() * {draw(f'angle {pair}', 'row_state')} as angle_{pair}"
        for pair in pairs
    )
    counters = ",\n        ".join(counter(number) for number in range(1, 21))
    return f"""
    with {customers_ctes(seed, block)},
    customer_months as (
        select
            customer_no,
            customer_state,
            customer_id,
            is_risky,
            range as month_no,
            {start(seed, "'month'", "customer_no", "range")} as row_state,
            if(
                {draw("newcomer")} < {NEWCOMER_SHARE}, {whole(1, 12, "first month")}, 0
            ) as first_month_no,
            {draw("gappy")} < {GAPPY_SHARE}
                and {draw("gap", "row_state")} < {GAP_SHARE} as is_gap
        from range({block.months.start}, {block.months.stop})
        cross join customers
        where
            first_loan_month < {CLICKSTREAM_LOAN_MONTHS}
            and {draw("no clickstream")} >= {NO_CLICKSTREAM_SHARE}
    ),
    arrived as (
        select *, {fate_of(MONTHLY_FATES, draw("fate", "row_state"))} as fate
        from customer_months
        where month_no >= first_month_no and not is_gap
    ),
    -- Two independent normal numbers from two even ones, after Box and Muller.
    waves as (
        select
            *,
            {waves}
        from arrived
    )
    select
        {counters},
        customer_id as "Customer_ID",
        {month_start("month_no")} as snapshot_date,
        customer_no,
        month_no as position,
        fate
    from waves"""


def counter(number: int) -> str:
    """One of the twenty behaviour counters: a constant of the customer, and noise."""
    pair, wave = (number + 1) // 2, ("cos", "sin")[(number + 1) % 2]
    shift = "0"
    if number <= 5:
        shift = f"if(is_risky, {COUNTER_STEP * number}, 0)"
    elif number <= 10:
        shift = f"if(is_risky, 0, {COUNTER_STEP * (number - 5)})"
    return (
        f"cast(round({COUNTER_MEAN} + {shift} + radius_{pair} * {wave}(angle_{pair})) as integer) "
        f"as fe_{number}"
    )


# ---------------------------------------------------------------------------------------------
# Attributes and financials
# ---------------------------------------------------------------------------------------------


def snapshot_ctes(seed: int, block: Block, source: str, absent_share: float) -> str:
    """One row per customer and day on which a source saw them, up to the horizon."""

    def happens(what: str) -> str:
        return f"{draw(f'{source} {what}')} < {SNAPSHOT_SHARE[what]}"

    # Further snapshots before and after are of the 15th, so that no two fall on one day.
    before = f"{whole(2, 8, f'{source} months before')}"
    turn_of_source = zlib.crc32(source.encode()) % 1_000_000
    after = f"{whole(1, 9, f'{source} months after')}"
    return f"""{customers_ctes(seed, block)},
    seen as (
        select
            *,
            {happens("unseen")} as is_unseen,
            [
                if(
                    {happens("early")},
                    first_loan_date - {whole(3, 25, f"{source} days early")},
                    first_loan_date
                ),
                cast(first_loan_date - to_months({before}) + to_days(14) as date),
                cast(first_loan_date + to_months({after}) + to_days(14) as date),
                second_loan_date,
                third_loan_date
            ] as dates,
            [
                not is_unseen,
                {happens("before")} and not is_unseen,
                {happens("after")} or is_unseen,
                {happens("again")},
                {happens("again")}
            ] as is_taken
        from customers
        where {draw(f"no {source}")} >= {absent_share}
    ),
    slots as (
        select
            *,
            unnest([0, 1, 2, 3, 4]) as slot,
            unnest(dates) as snapshot_date,
            unnest(is_taken) as is_seen
        from seen
    ),
    snapshots as (
        select
            *,
            {start(seed, text(source), "customer_no", "slot")} as row_state,
            -- Steps of the golden ratio: every fate gets its share even of a few rows.
            (customer_no * 618034 + slot * 414214 + {turn_of_source}) % 1000000 / 1e6 as turn,
            {fate_of(PROFILE_FATES, "turn")} as fate,
            slots.snapshot_date - slots.first_loan_date as days_since
        from slots
        where is_seen and slots.snapshot_date <= date '{HORIZON}'
    )"""


def attribute_rows(seed: int, block: Block) -> str:
    """One row per customer and snapshot of the profile."""
    changed = f"slot >= 2 and {draw('changes', 'row_state')} < {OCCUPATION_CHANGE_SHARE}"
    occupation = (
        f"if({changed}, {one_of(OCCUPATIONS, 'occupation', 'row_state')}, "
        f"{one_of(OCCUPATIONS, 'occupation')})"
    )
    # Group numbers 01 .. 49 after a first digit 9 were never issued, not even to tax payers
    # without a social security number.
    ssn = (
        f"printf('9%02d-%02d-%04d', {whole(0, 99, 'ssn 1')}, {whole(1, 49, 'ssn 2')}, "
        f"{whole(1, 9999, 'ssn 3')})"
    )
    years = f"along({draw('age')}, kind.age_range) + days_since / 365.25"
    age = within(AGES, f"cast(floor({years}) as integer)")
    return f"""
    with {snapshot_ctes(seed, block, "attributes", NO_ATTRIBUTES_SHARE)},
    named as (
        select
            *,
            {one_of(FIRST_NAMES, "first name")} as first_name,
            {one_of(LAST_NAMES, "last name")} as last_name,
            substr('abcdefghijklmnopqrstuvwxyz', {whole(1, 26, "stray letter")}, 1) as stray
        from snapshots
    )
    select
        customer_id as "Customer_ID",
        case
            when {draw("odd name")} < {COMMA_NAME_SHARE} then ', ' || last_name || stray
            when {draw("odd name")} < {COMMA_NAME_SHARE + QUOTED_NAME_SHARE}
                then last_name || '"' || stray
            when {draw("full name")} < 0.4 then first_name || ' ' || last_name || stray
            else last_name || stray
        end as "Name",
        {dirty("age", age)} as "Age",
        {dirty("ssn", ssn)} as "SSN",
        {dirty("occupation", occupation)} as "Occupation",
        snapshot_date,
        customer_no,
        epoch(snapshot_date) as position,
        fate
    from named
    inner join kinds as kind on named.kind_no = kind.kind_no"""


def financial_rows(seed: int, block: Block) -> str:
    """One row per customer and snapshot of the financials."""

    def counted(name: str) -> str:
        return f"cast(round({figure(name)}) as integer)"

    def or_negative(name: str, value: str, lowest: int) -> str:
        return (
            f"if({draw(f'negative {name}', 'row_state')} < {NEGATIVE_SHARE[name]}, "
            f"-{whole(1, lowest, f'how negative {name}', 'row_state')}, {value})"
        )

    kinds = [one_of(LOAN_KINDS, f"loan kind {number}") for number in range(1, MOST_LOANS + 1)]
    behaviour = choice(
        {text(name): share for name, (share, _) in BEHAVIOURS.items()},
        draw("behaviour", "row_state"),
        text(list(BEHAVIOURS)[-1]),
    )
    spent = " ".join(f"when {text(name)} then {amount}" for name, (_, amount) in BEHAVIOURS.items())
    history = f"along({draw('history_months')}, kind.history_months_range) + days_since / 30.44"
    minimum = f"if({draw('minimum')} < kind.pays_minimum_share, 'Yes', 'No')"
    limit_change = long_fraction("limit_change", f"round({figure('limit_change')}, 2)")
    delayed_payments = or_negative("delayed_payments", "delayed_payments", 3)
    lost_balance = f"customer_no % {LOST_BALANCE_AT[0]} = {LOST_BALANCE_AT[1]}"
    minus_one = f"customer_no % {MINUS_ONE_ACCOUNT_AT[0]} = {MINUS_ONE_ACCOUNT_AT[1]}"
    return f"""
    with {snapshot_ctes(seed, block, "financials", NO_FINANCIALS_SHARE)},
    figures as (
        select
            snapshots.*,
            kind.credit_mix,
            {long_fraction("income", f"round({figure('income')}, 2)")} as income,
            -- A salary of a twelfth of the income, give or take: a few are far off.
            income / 12 * (1 - 0.3 * power(2 * {draw("salary")} - 1, 3)) as exact_salary,
            least(
                if({draw("round salary")} < 0.35, round(exact_salary, 2), exact_salary),
                {SALARY_MOST}
            ) as salary,
            if({minus_one}, -1, {counted("bank_accounts")}) as bank_accounts,
            {counted("credit_cards")} as credit_cards,
            {counted("interest_rate")} as interest_rate,
            cast(round(along({draw("loans")}, kind.loans_range)) as integer) as loans,
            [{", ".join(kinds)}][:loans] as kinds,
            {counted("delay_days")} as delay_days,
            {counted("delayed_payments")} as delayed_payments,
            {limit_change} as limit_change,
            {counted("inquiries")} as inquiries,
            round({figure("debt")}, 2) as debt,
            20.1 + 20 * {draw("use", "row_state")} + 8 * power({draw("use")}, 3) as utilization,
            {within(HISTORY_MONTHS, f"cast(round({history}) as integer)")} as history_months,
            {minimum} as pays_minimum,
            {behaviour} as behaviour
        from snapshots
        inner join kinds as kind on snapshots.kind_no = kind.kind_no
    ),
    budgets as (
        select
            *,
            salary * loans * 0.0076 * (0.8 + 0.4 * {draw("emi", "row_state")}) as emi,
            cast(case behaviour {spent} end as double) as spent,
            salary / 10 + spent - emi as left_over,
            least(
                greatest(
                    salary * (0.007 + 0.12 * power({draw("invested", "row_state")}, 1.6)),
                    left_over - {BALANCE_MOST}
                ),
                greatest(left_over - 20, 0)
            ) as invested
        from figures
    )
    select
        customer_id as "Customer_ID",
        {dirty("income", "income", "double")} as "Annual_Income",
        salary as "Monthly_Inhand_Salary",
        {dirty("bank_accounts", "bank_accounts")} as "Num_Bank_Accounts",
        {dirty("credit_cards", "credit_cards")} as "Num_Credit_Card",
        {dirty("interest_rate", "interest_rate")} as "Interest_Rate",
        {dirty("loans", "loans")} as "Num_of_Loan",
        case
            when loans = 0 then null
            when loans = 1 then kinds[1]
            else concat(array_to_string(kinds[:-2], ', '), ', and ', kinds[-1])
        end as "Type_of_Loan",
        {or_negative("delay_days", "delay_days", 5)} as "Delay_from_due_date",
        {dirty("delayed_payments", delayed_payments)} as "Num_of_Delayed_Payment",
        {dirty("limit_change", "limit_change")} as "Changed_Credit_Limit",
        {dirty("inquiries", "cast(inquiries as double)", "double")} as "Num_Credit_Inquiries",
        {dirty("credit_mix", "credit_mix")} as "Credit_Mix",
        {dirty("debt", "debt")} as "Outstanding_Debt",
        utilization as "Credit_Utilization_Ratio",
        concat(
            history_months // 12, ' Years and ', history_months % 12, ' Months'
        ) as "Credit_History_Age",
        {dirty("minimum", "pays_minimum")} as "Payment_of_Min_Amount",
        {dirty("emi", "emi", "double")} as "Total_EMI_per_month",
        {dirty("invested", "invested")} as "Amount_invested_monthly",
        {dirty("behaviour", "behaviour")} as "Payment_Behaviour",
        if(
            {lost_balance}, '{LOST_BALANCE}', cast(left_over - invested as varchar)
        ) as "Monthly_Balance",
        snapshot_date,
        customer_no,
        epoch(snapshot_date) as position,
        fate
    from budgets"""


# ---------------------------------------------------------------------------------------------
# Files
# ---------------------------------------------------------------------------------------------


class Source(NamedTuple):
    """A raw file: what its rows are, and how a row of it goes wrong."""

    file: str
    columns: tuple[str, ...]
    key: str
    rows: Callable[[int, Block], str]
    by_month: bool  # one month after the other; else one customer after the other
    fields_of_ragged: int
    first_version: dict[str, str]  # what a restated row said before: column -> SQL


COUNTERS = tuple(f"fe_{number}" for number in range(1, 21))

SOURCES = (
    Source(
        file="features_attributes.csv",
        columns=("Customer_ID", "Name", "Age", "SSN", "Occupation", "snapshot_date"),
        key="Customer_ID",
        rows=attribute_rows,
        by_month=False,
        fields_of_ragged=4,
        first_version={"Occupation": "if(Occupation = 'Manager', 'Writer', 'Manager')"},
    ),
    Source(
        file="features_financials.csv",
        columns=(
            "Customer_ID", "Annual_Income", "Monthly_Inhand_Salary", "Num_Bank_Accounts",
            "Num_Credit_Card", "Interest_Rate", "Num_of_Loan", "Type_of_Loan",
            "Delay_from_due_date", "Num_of_Delayed_Payment", "Changed_Credit_Limit",
            "Num_Credit_Inquiries", "Credit_Mix", "Outstanding_Debt",
            "Credit_Utilization_Ratio", "Credit_History_Age", "Payment_of_Min_Amount",
            "Total_EMI_per_month", "Amount_invested_monthly", "Payment_Behaviour",
            "Monthly_Balance", "snapshot_date",
        ),
        key="Customer_ID",
        rows=financial_rows,
        by_month=False,
        fields_of_ragged=9,
        first_version={"Interest_Rate": "cast(cast(Interest_Rate as integer) + 1 as varchar)"},
    ),
    Source(
        file="feature_clickstream.csv",
        columns=(*COUNTERS, "Customer_ID", "snapshot_date"),
        key="Customer_ID",
        rows=clickstream_rows,
        by_month=True,
        fields_of_ragged=12,
        # A month that was not over when it was first counted.
        first_version={column: f"{column} * 9 // 10" for column in COUNTERS},
    ),
    Source(
        file="lms_loan_daily.csv",
        columns=(
            "loan_id", "Customer_ID", "loan_start_date", "tenure", "installment_num", "loan_amt",
            "due_amt", "paid_amt", "overdue_amt", "balance", "snapshot_date",
        ),
        key="loan_id",
        rows=loan_rows,
        by_month=False,
        fields_of_ragged=6,
        first_version={
            "paid_amt": "paid_amt + misbooked",
            "overdue_amt": "overdue_amt - misbooked",
            "balance": "balance - misbooked",
        },
    ),
)  # fmt: skip


def body_query(source: Source, seed: int, block: Block) -> str:
    """The rows that stand in their place, spoilt keys and dates and first versions included."""
    columns = {column: f'"{column}"' for column in source.columns}
    for column, first_version in source.first_version.items():
        columns[column] = f"if(fate = 'restated', {first_version}, {columns[column]})"
    columns[source.key] = f"if(fate = 'no_key', null, {columns[source.key]})"
    columns["snapshot_date"] = (
        "case fate when 'no_date' then null "
        "when 'bad_date' then strftime(snapshot_date, '%Y-02-30') "
        "else cast(snapshot_date as varchar) end"
    )
    order = "position, customer_no" if source.by_month else "customer_no, position"
    return select_rows(source, seed, block, "not in ('late', 'missing', 'ragged')", columns, order)


def ragged_query(source: Source, seed: int, block: Block) -> str:
    """The rows that break off after a few fields."""
    columns = {column: f'"{column}"' for column in source.columns[: source.fields_of_ragged]}
    return select_rows(source, seed, block, "= 'ragged'", columns)


def tail_query(source: Source, seed: int, block: Block) -> str:
    """The rows at the end of the file: late ones, second copies and right versions."""
    columns = {column: f'"{column}"' for column in source.columns}
    return select_rows(source, seed, block, "in ('late', 'duplicate', 'restated')", columns)


def select_rows(
    source: Source,
    seed: int,
    block: Block,
    fates: str,
    columns: dict[str, str],
    order: str = "customer_no, position",
) -> str:
    """The query of one part of a file."""
    selected = ",\n    ".join(f'{sql} as "{column}"' for column, sql in columns.items())
    return f"""
select
    {selected}
from ({source.rows(seed, block)}
)
where fate {fates}
order by {order}"""


def part_queries(source: Source, customers: int, seed: int) -> Iterator[str]:
    """The queries of all parts of a file, in the order in which they stand in it."""
    blocks = [
        range(first, min(first + BLOCK, customers + 1)) for first in range(1, customers + 1, BLOCK)
    ]
    months = range(CLICKSTREAM_MONTHS)
    # Few customers: several months a query. Many: several queries a month.
    width = max(BLOCK // customers, 1) if source.by_month else CLICKSTREAM_MONTHS
    steps = [months[first : first + width] for first in range(0, CLICKSTREAM_MONTHS, width)]
    for step in steps:
        for block in blocks:
            yield body_query(source, seed, Block(block, step))
    for query in (ragged_query, tail_query):
        for block in blocks:
            yield query(source, seed, Block(block, months))


def connect() -> duckdb.DuckDBPyConnection:
    """A database in memory, for one worker, with what the queries call."""
    con = duckdb.connect(config={"threads": 1})
    con.execute(
        """
        create macro along(position, edges) as
            if(
                position < 0.5,
                edges[1] + 2 * position * (edges[2] - edges[1]),
                edges[2] + (2 * position - 1) * (edges[3] - edges[2])
            )
        """
    )
    columns = ["kind_no integer", "credit_mix varchar", "pays_minimum_share double"]
    columns += [f"{name}_range double[]" for name in FIGURES]
    con.execute(f"create table kinds ({', '.join(columns)})")
    kinds = zip(count(), CREDIT_MIXES, PAYS_MINIMUM_SHARES, *FIGURES.values(), strict=False)
    values = ", ".join("?" * len(columns))
    con.executemany(f"insert into kinds values ({values})", [[*kind] for kind in kinds])
    return con


def write_source(source: Source, customers: int, seed: int, threads: int, folder: Path) -> int:
    """Write one file into a folder; the number of its rows."""
    local = threading.local()

    def write_part(job: tuple[int, str]) -> tuple[Path, int]:
        number, query = job
        if not hasattr(local, "con"):
            local.con = connect()
        part = folder / f"{source.file}.{number}"
        # With the default comment sign DuckDB would quote `#F%$D@*&8`, which the real files do not.
        copied = local.con.execute(
            f"copy ({query}) to '{quoted(part)}' (format csv, header false, comment '~')"
        )
        return part, copied.fetchone()[0]

    rows, jobs = 0, list(enumerate(part_queries(source, customers, seed)))
    with (folder / source.file).open("wb") as target, ThreadPoolExecutor(threads) as pool:
        target.write((",".join(source.columns) + "\n").encode())
        for done, (part, part_rows) in enumerate(pool.map(write_part, jobs), 1):
            with part.open("rb") as text_of_part:
                shutil.copyfileobj(text_of_part, target, 1 << 20)
            part.unlink()
            rows += part_rows
            if len(jobs) >= 50 and done % (len(jobs) // 10) == 0:
                print(
                    f"  {source.file}: {done:,} of {len(jobs):,} parts, {rows:,} rows", flush=True
                )
    return rows


def quoted(path: Path) -> str:
    """A path inside a SQL string literal."""
    return str(path).replace("'", "''")


def generate(customers: int, seed: int, out: Path, threads: int = 1) -> dict[str, int]:
    """Write the four files, replacing old ones when all are whole; the rows of each."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".generate-", dir=out) as name:
        folder, rows = Path(name), {}
        for source in SOURCES:
            began = time.monotonic()
            rows[source.file] = write_source(source, customers, seed, threads, folder)
            seconds = time.monotonic() - began
            print(f"{source.file}: {rows[source.file]:,} rows in {seconds:.1f} s", flush=True)
        for source in SOURCES:
            os.replace(folder / source.file, out / source.file)
    return rows


# ---------------------------------------------------------------------------------------------
# Command line
# ---------------------------------------------------------------------------------------------


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the call and leave."""
        self.exit(2, f"error: {message} (--help explains)\n")


def at_least(lowest: int) -> Callable[[str], int]:
    """A type of option: a whole number not below some other."""

    def number(given: str) -> int:
        if not given.isdecimal() or int(given) < lowest:
            raise argparse.ArgumentTypeError(
                f"must be a whole number, {lowest} or more, not {given!r}"
            )
        return int(given)

    return number


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The options of a call."""
    parser = Parser(
        prog="python -m warehouse.sample.generate",
        description="Write made-up raw files: " + ", ".join(source.file for source in SOURCES),
        epilog="The same seed gives the same files, byte for byte, on any number of threads; "
        "a customer is the same in a small set and in a large one of the same seed.",
    )
    parser.add_argument(
        "--customers",
        type=at_least(1),
        default=1200,
        metavar="N",
        help="how many customers to make up (default: %(default)s, about 4 MB; "
        "12,500 is the size of the real set)",
    )
    parser.add_argument(
        "--seed",
        type=at_least(0),
        default=7,
        metavar="S",
        help="another whole number gives other customers (default: %(default)s)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="the folder to write to; made if need be, files of the same names are replaced",
    )
    parser.add_argument(
        "--threads",
        type=at_least(1),
        default=os.cpu_count() or 1,
        metavar="T",
        help="how many queries to run at once (default: one a core); changes only the time taken",
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Generate as the command line says; the exit code."""
    options, began = parse(argv), time.monotonic()
    try:
        rows = generate(options.customers, options.seed, options.out, options.threads)
        size = sum((options.out / file).stat().st_size for file in rows)
    except (OSError, duckdb.IOException) as error:
        print(f"error: cannot write to {options.out}: {error}".split("\n")[0], file=sys.stderr)
        return 1
    print(
        f"{options.customers:,} customers, seed {options.seed}: {sum(rows.values()):,} rows, "
        f"{size / 1e6:,.1f} MB in {options.out}, {time.monotonic() - began:.1f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
