"""What a rule's formula means: it is read, never run as Python, so that the print is the deed.

    arm.metric[8]           one number a seed: a metric of an arm in generation 8, from the table of
                            the rule's own study
    study.arm.metric[8]     from another study; seeds are paired
    arm.metric[0:8]         all recorded generations from 0 to 8, ends included; [:] all there are.
                            To be made one number a seed by mean(...) or most(...)
    paper.key, summary.key  a published number (published.json); one of the study's summary
    theory.name(n=10, t=5)  a closed form; zipf(1000) stands for its list of shares 1/rank
    + - * / ** < >          arithmetic; a comparison is 1 or 0
    log sqrt mean most      functions; mean and most of several numbers, or of several generations

A name that a table does not have raises `NotRecordedError`, as does a study without a table: the
row is then open, and says so.
"""

from __future__ import annotations

import ast
import functools
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from helpers import studies, theory
from helpers.studies.paired import effect
from helpers.studies.scorecard import live
from helpers.studies.scorecard.rules import Found, Rule, Value

OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.Lt: operator.lt,
    ast.Gt: operator.gt,
}


class NotRecordedError(LookupError):
    """A study without a table, or a table without an arm, a metric or a generation."""


class Tables:
    """The recorded tables by study, each read once.

    frames, summaries: take these instead; a study that is not among them is not recorded.
    """

    def __init__(
        self,
        frames: Mapping[str, pd.DataFrame] | None = None,
        summaries: Mapping[str, Mapping[str, float]] | None = None,
    ) -> None:
        self._frames, self._summaries = frames, summaries
        self._read: dict[str, dict[tuple[str, str], pd.DataFrame]] = {}
        self._wide: dict[tuple[str, str, str], pd.DataFrame] = {}

    def series(self, study: str, arm: str, metric: str) -> pd.DataFrame:
        """Seeds (index) x recorded generations (columns) of a metric of an arm."""
        if (study, arm, metric) not in self._wide:
            rows = self._table(study).get((arm, metric))
            if rows is None:
                raise NotRecordedError(f"study {study} has no {arm}.{metric}")
            self._wide[study, arm, metric] = rows.pivot(
                index="replicate", columns="generation", values="value"
            )
        return self._wide[study, arm, metric]

    def summary(self, study: str, key: str) -> float:
        """A number of the study's summary."""
        recorded = self._summaries
        try:
            found = studies.summary(study) if recorded is None else recorded[study]
            return float(found[key])
        except (FileNotFoundError, KeyError, ValueError):  # no table, no such key, no such study
            raise NotRecordedError(f"study {study} has no summary with {key} yet") from None

    def _table(self, study: str) -> dict[tuple[str, str], pd.DataFrame]:
        if study not in self._read:
            groups = self._rows(study).groupby(["arm", "metric"], sort=False)
            self._read[study] = {(str(arm), str(metric)): rows for (arm, metric), rows in groups}
        return self._read[study]

    def _rows(self, study: str) -> pd.DataFrame:
        if self._frames is not None:
            if study in self._frames:
                return self._frames[study]
        elif study in studies.names():
            try:
                return studies.load(study)
            except FileNotFoundError:
                pass
        else:
            raise NotRecordedError(f"study {study} is not written yet")
        raise NotRecordedError(f"study {study} is not recorded yet")


def sample(rule: Rule, tables: Tables) -> np.ndarray | float:
    """What a rule is judged by: one number a seed, or one number that is no mean over seeds.

    The formula of a `Value` is divided by its target, so that 1 is a perfect hit.
    """
    found = _evaluate(_parsed(rule.formula), rule.study, tables)
    if isinstance(rule, Value):
        found = found / target(rule, tables)
    if isinstance(found, pd.DataFrame):
        raise ValueError(f"formula must give one number a seed, got {rule.formula!r}")
    if isinstance(found, pd.Series):
        numbers = found.dropna().to_numpy(dtype=float)
        if not len(numbers):
            raise NotRecordedError(f"no seed of {rule.study} has all of {rule.formula}")
        return numbers
    return float(found)


def target(rule: Value, tables: Tables) -> float:
    """The published number or law that a `Value` is held against."""
    return float(_evaluate(_parsed(rule.target), rule.study, tables))


def measure(values: np.ndarray | float, median: bool = False) -> Found:
    """Mean over seeds and its 95 % t interval, or the median and that of order statistics."""
    if isinstance(values, float):
        return Found(values, values, values, 0.0 if values else 1.0)
    if not median:
        return Found(*effect(values), len(values))
    ordered, n = np.sort(values), len(values)
    cut = int(stats.binom.ppf(0.025, n, 0.5))  # so that either end is beyond it in 2.5 % of cases
    low, high = ordered[max(cut - 1, 0)], ordered[min(n - cut, n - 1)]
    return Found(float(np.median(ordered)), float(low), float(high), seeds=n)


def references(formula: str) -> list[tuple[str, str, str, str]]:
    """Every (study or "", arm, metric, generations) that a formula reads, as they are written."""
    found = []
    for node in ast.walk(_parsed(formula)):
        if isinstance(node, ast.Subscript):
            *study, arm, metric = _dotted(node.value)
            found.append((study[0] if study else "", arm, metric, ast.unparse(node.slice)))
    return found


# --- reading a formula -------------------------------------------------------------------------


@functools.cache
def _parsed(formula: str) -> ast.expr:
    return ast.parse(formula, mode="eval").body


def _evaluate(node: ast.expr, study: str, tables: Tables) -> Any:
    def inside(part: ast.expr) -> Any:
        return _evaluate(part, study, tables)

    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -inside(operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            return OPERATORS[type(op)](inside(left), inside(right))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in OPERATORS:
            return OPERATORS[type(op)](inside(left), inside(right)) * 1.0
        case ast.Attribute(value=ast.Name(id="paper"), attr=key):
            return studies.published(key)
        case ast.Attribute(value=ast.Name(id="summary"), attr=key):
            return tables.summary(study, key)
        case ast.Call(func=ast.Attribute(value=ast.Name(id=room), attr=name)) if room in ROOMS:
            keywords = {str(word.arg): inside(word.value) for word in node.keywords}
            return getattr(ROOMS[room], name)(*(inside(part) for part in node.args), **keywords)
        case ast.Call(func=ast.Name(id=name), args=arguments) if name in FUNCTIONS:
            return FUNCTIONS[name](*(inside(part) for part in arguments))
        case ast.Subscript(value=value, slice=generations):
            *other, arm, metric = _dotted(value)
            home = other[0] if other else study
            table = tables.series(home, arm, metric)
            return _at(table, generations, f"study {home} has no {arm}.{metric}")
    raise ValueError(f"formula must be as helpers.studies.scorecard.readings says, got "
                     f"{ast.unparse(node)!r}")  # fmt: skip


def _dotted(node: ast.expr) -> list[str]:
    return ast.unparse(node).split(".")


def _at(table: pd.DataFrame, generations: ast.expr, lacks: str) -> pd.Series | pd.DataFrame:
    if isinstance(generations, ast.Slice):
        low = -math.inf if generations.lower is None else ast.literal_eval(generations.lower)
        high = math.inf if generations.upper is None else ast.literal_eval(generations.upper)
        chosen = [int(column) for column in table.columns if low <= int(column) <= high]
        if not chosen:
            raise NotRecordedError(f"{lacks} in generations {ast.unparse(generations)}")
        return table[chosen]
    generation = ast.literal_eval(generations)
    if generation not in table:
        raise NotRecordedError(f"{lacks} in generation {generation}")
    return table[generation]


def _over(name: str) -> Callable[..., Any]:
    """mean and most: of several numbers a seed, or of the generations of one."""

    def reduce(*parts: Any) -> Any:
        frames = [part if isinstance(part, pd.DataFrame) else pd.Series(part) for part in parts]
        return getattr(pd.concat(frames, axis=1), name)(axis=1)

    return reduce


def _zipf(outcomes: int) -> np.ndarray:
    weights = 1 / np.arange(1, outcomes + 1)
    return np.asarray(weights / weights.sum())


ROOMS = {"theory": theory, "live": live}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "log": np.log,
    "sqrt": np.sqrt,
    "mean": _over("mean"),
    "most": _over("max"),
    "zipf": _zipf,
}
