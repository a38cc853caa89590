"""Settings of the sample: calendar, signal, dirt, and the shares of everything that may happen.

Counts in comments are rows of the 12,500 customers of the real set.
"""

from typing import NamedTuple

FIRST_MONTH = "2023-01-01"
LOAN_MONTHS = 25  # loans start on the first of 2023-01 .. 2025-01
CLICKSTREAM_MONTHS = 24  # 2023-01 .. 2024-12
CLICKSTREAM_LOAN_MONTHS = 18  # clickstream only for customers whose first loan began by 2024-06
HORIZON = "2025-04-01"  # nothing is known after this day, so loans after 2024-10 are unlabelled
TENURE = 10
INSTALMENT = 1000


# The signal. A customer is risky or not, for good: 28.8 % are. The first loan of a risky customer
# defaults and no other does, as in the real set; later loans follow their customer loosely.


RISKY_SHARE = 0.288
LATER_DEFAULT_SHARE = {"risky": 0.75, "sound": 0.15}
SECOND_LOAN_SHARE = {"risky": 0.20, "sound": 0.26}  # tried; those after 2025-01 do not happen
THIRD_LOAN_SHARE = 0.35  # of those who tried a second one

# Counters are noise around 100. A risky customer has 5, 10, .. 25 more in fe_1 .. fe_5, any other
# customer the same in fe_6 .. fe_10; fe_11 .. fe_20 carry no signal. (Fitted to the real set.)
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
# Given its kind, a figure carries no more signal. Each has a low, a median and a high; both halves
# are filled evenly.
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


# The dirt, as shares of rows.


class Dirt(NamedTuple):
    """Shares of a column's values that are a placeholder, an outlier or a trailing underscore."""

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


# Cases that the real set lacks.


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

# The fate of a row on its way into the file. `late`: it comes at the end. `duplicate`: it comes
# again at the end. `restated`: a first version in its place, the right one at the end. `missing`:
# it never arrives. The last four cannot be used: no key, no date, the 30th of February, too few
# fields. Profile files take more of each, so that a small set has every kind.
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
