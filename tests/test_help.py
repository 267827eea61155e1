"""What the command says of itself: groups of commands, the nearest option, completion in a shell."""

import re
import shutil
import subprocess
from itertools import chain

import pytest
from command import contourbench, fails
from contourbench.bench.cli.main import new_parser
from contourbench.bench.cli.options import DEFAULT_DETECTORS


def names():
    (commands,) = (action for action in new_parser()._actions if isinstance(action.choices, dict))
    return list(commands.choices)


def test_every_command_stands_in_one_group(capsys):
    code, out, _ = contourbench(capsys, "--help")
    assert code == 0
    groups = re.split(r"^  (\w[\w ,]+):$", out.split("commands:")[1], flags=re.MULTILINE)
    assert groups[1::2] == ["make results", "look at them", "check, and get"]
    listed = [re.findall(r"^    (\w+)", text, re.MULTILINE) for text in groups[2::2]]
    assert list(chain(*listed)) == names()
    assert listed[0][:3] == ["detect", "run", "score"]
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize("name", names())
def test_the_help_of_a_command_says_what_it_does(capsys, name):
    first = contourbench(capsys, "--help")[1].split(f"    {name} ")[1].splitlines()[0].strip()
    assert first.lower() in re.sub(r"\s+", " ", contourbench(capsys, name, "--help")[1]).lower()


def test_default_detectors_are_told(capsys):
    shown = re.sub(r"\s+", " ", contourbench(capsys, "run", "--help")[1])
    assert f"(default: {', '.join(DEFAULT_DETECTORS)})" in shown


def test_a_film_is_of_one_image(capsys):
    assert "--data" in contourbench(capsys, "film", "--help")[1]
    for option in ("--limit", "--shard"):
        assert option not in contourbench(capsys, "film", "--help")[1]
        assert f"unrecognized arguments: {option} 1" in fails(capsys, "film", "scene001", option, "1")


@pytest.mark.parametrize(
    ("arguments", "prog", "hint"),
    [
        (["run", "canny", "--date", "X"], "contourbench run", "--date X; did you mean --data?"),
        (["run", "canny", "--date=X"], "contourbench run", "--date=X; did you mean --data?"),
        (["table", "--publish-it"], "contourbench table", "--publish-it; did you mean --published?"),
        (["data", "check", "p", "--splt", "x"], "contourbench data check", "--splt x; did you mean --split?"),
        (["detectors", "--zzz"], "contourbench detectors", "--zzz"),
        (["detectors", "canny"], "contourbench detectors", "canny"),
    ],
)
def test_an_unknown_option_shows_the_usage_of_its_command(capsys, arguments, prog, hint):
    said = fails(capsys, *arguments)
    assert said.startswith(f"usage: {prog} [-h]")
    assert said.endswith(f"{prog}: error: unrecognized arguments: {hint}\n")


def completed(script, *words):
    """What bash offers for the last word."""
    line = f"source {script}; COMP_WORDS=(contourbench {' '.join(words)}); COMP_CWORD={len(words)}; "
    line += 'COMPREPLY=(); _shtab_contourbench; printf "%s\\n" "${COMPREPLY[@]}"'
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True).stdout.split()


def test_bash_completes_commands_options_and_choices(capsys, tmp_path):
    if shutil.which("bash") is None:
        pytest.skip("no bash here")
    script = tmp_path / "completion.bash"
    script.write_text(contourbench(capsys, "completion", "bash")[1])
    assert completed(script, "de") == ["detect", "detectors"]
    assert set(completed(script, "detect", "--o")) == {"--out", "--overwrite"}
    assert completed(script, "table", "--format", "l") == ["latex"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells(capsys, shell, tmp_path):
    script = contourbench(capsys, "completion", shell)[1]
    assert all(name in script for name in names())
    if shutil.which(shell):
        (tmp_path / "script").write_text(script)
        subprocess.run([shell, "-n", str(tmp_path / "script")], check=True)
