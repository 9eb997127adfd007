"""Runs that are killed, interrupted, or shared by two processes end where one quiet process ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
import train_script  # beside this file

from gpulab.train import Callback, Checkpoint, History

SCRIPT = str(Path(train_script.__file__))
TWO = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]


def finished(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command with the same number of threads as this process; if it hangs, end it with all it started."""
    loopback = {"GLOO_SOCKET_IFNAME": "lo0" if sys.platform == "darwin" else "lo"}
    variables = os.environ | loopback | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables, start_new_session=True
    ) as process:
        try:
            out, err = process.communicate(timeout=90)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


@pytest.fixture(scope="module")
def quiet() -> tuple[dict[str, torch.Tensor], History]:
    """The weights and history of an undisturbed run."""
    model = train_script.network()
    history = train_script.run(model)
    return model.state_dict(), history


def test_killed_it_resumes_to_the_same_bits(tmp_path: Path, quiet: tuple[dict[str, torch.Tensor], History]) -> None:
    command = [
        sys.executable,
        SCRIPT,
        str(tmp_path),
        "--checkpoint",
        str(tmp_path / "c"),
        "--signal",
        "SIGKILL",
        "--at",
        "6",
    ]
    done = finished(command)
    assert done.returncode == -signal.SIGKILL, done.stderr
    model = train_script.network()
    with torch.no_grad():
        model[0].weight.zero_()
    history = train_script.run(model, resume=tmp_path / "c")
    assert all(torch.equal(tensor, quiet[0][name]) for name, tensor in model.state_dict().items())
    assert history["loss"] == quiet[1]["loss"]


def test_ctrl_c_waits_for_the_step_and_saves_it(tmp_path: Path, quiet: tuple[dict[str, torch.Tensor], History]) -> None:
    class Press(torch.nn.Module):
        """Presses Ctrl-C in the middle of a step."""

        calls = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.calls += self.training
            if self.calls == 5 and self.training:
                os.kill(os.getpid(), signal.SIGINT)
            return x

    model = train_script.network()
    model.append(Press())
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train_script.run(model, callbacks=[Checkpoint(tmp_path)])
    assert signal.getsignal(signal.SIGINT) is before
    resumed = train_script.network()
    resumed.append(torch.nn.Identity())

    class First(Callback):
        """Notes the first step after resuming."""

        step = 0

        def on_step(self, run: object) -> None:
            self.step = self.step or run.steps_done  # type: ignore[attr-defined]

    first = First()
    train_script.run(resumed, resume=tmp_path, callbacks=[first])
    assert first.step == 6
    assert all(torch.equal(tensor, quiet[0][name]) for name, tensor in resumed.state_dict().items())


def test_two_processes_give_the_result_of_one(tmp_path: Path, quiet: tuple[dict[str, torch.Tensor], History]) -> None:
    done = finished([*TWO, SCRIPT, str(tmp_path)])
    assert done.returncode == 0, done.stderr
    for name, tensor in load_file(tmp_path / "weights.safetensors").items():
        torch.testing.assert_close(tensor, quiet[0][name], atol=1e-5, rtol=0)
    history = History.from_json((tmp_path / "history.json").read_text())
    assert history.settings["processes"] == 2
    for column in ("loss", "valid_loss", "accuracy", "valid_accuracy"):
        assert history[column] == pytest.approx(quiet[1][column], abs=1e-5), column
