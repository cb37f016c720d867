"""What people hand to make arrives as they wrote it."""

import subprocess
from pathlib import Path

import pytest

from lab.service import minimal_environment

ROOT = Path(__file__).parents[2]
ODD = 'costs $HOME, $$5 $(shell echo ran) `id` "it\'s" \\ #1 🎉\nsecond line'


@pytest.mark.parametrize("is_variable", [True, False], ids=["as an argument", "from the environment"])
def test_a_prompt_is_not_make_s_to_read(is_variable: bool, tmp_path: Path) -> None:
    command = ["make", "--no-print-directory", "--eval", "show: ; @printenv PROMPT", "show"]
    env = minimal_environment(tmp_path)
    if is_variable:
        command.append(f"PROMPT={ODD}")
    else:
        env = {**env, "PROMPT": ODD}
    said = subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True)
    assert said.stdout == f"{ODD}\n"
