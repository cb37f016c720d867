"""The list of mutants follows the code: `make mutants` tries them, this only sees that each still fits."""

from pathlib import Path

import pytest

from tools.mutations import MUTANTS, Mutant

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "-"))
def test_each_mutant_fits_the_tree(mutant: Mutant) -> None:
    assert (ROOT / mutant.path).read_text().count(mutant.text) == 1
    assert mutant.replacement not in (mutant.text, None)
    assert all((ROOT / test.split("::")[0]).exists() for test in mutant.tests)
