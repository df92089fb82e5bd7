"""The processes that compute one run together: which they are, and what they exchange.

Started by `accelerate launch` or `torchrun`, Hugging Face Accelerate finds out the rank, the device and the transport;
a process on its own needs neither. Two ways to share the work: DDP (each process holds everything) and FSDP (weights,
gradients, optimizer and averages are spread over the processes; chosen by `accelerate launch --use_fsdp` or `shard`).
Both run on CPUs over gloo as well. A folder is read and written by all: on several machines it must be a shared one.
"""

from __future__ import annotations

import atexit
import os
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from musicgen_app.errors import DependencyError, RequestError, TTMError
from musicgen_app.machine.device import pick_device

T = TypeVar("T")


class Team:
    """A single process; also the interface that several have in common."""

    rank, world = 0, 1
    shards = False  # whether weights are spread over the processes

    def __init__(self, device: torch.device):
        self.device = device

    @property
    def main(self) -> bool:
        """Whether this process writes files and shows progress."""
        return self.rank == 0

    def spread(self, module: nn.Module) -> None:
        """Spread the parameters of a module on this device over the processes, in place; here there is but one."""

    def wrap(self, module: nn.Module) -> nn.Module:
        """The module whose backward pass averages gradients over the processes."""
        return module

    def unsynchronised(self, wrapped: nn.Module) -> AbstractContextManager:
        """Within it, backward passes add to the gradients of this process only (all micro-batches but the last)."""
        return nullcontext()

    def sum(self, values: Tensor) -> Tensor:
        """The sum (n,) over processes of a few numbers (n,), on the CPU."""
        return values

    def gather(self, value: T) -> list[T]:
        """The value of every process, by rank."""
        return [value]

    def on_main(self, work: Callable[[], T]) -> T:
        """The result of `work`, run by the main process alone, or the error it raised; all processes get the same."""
        return work()


class SeveralProcesses(Team):
    """The members of a launched group (one object in each), by DDP or FSDP."""

    def __init__(self, state, shard: bool):
        super().__init__(state.device)
        self.rank, self.world, self.shards = state.process_index, state.num_processes, shard

    def spread(self, module: nn.Module) -> None:
        if not self.shards:
            return
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        warnings.filterwarnings("ignore", "FSDP2-wrapped module", UserWarning)  # of in-place operations; there are none
        mesh = init_device_mesh(self.device.type, (self.world,))
        for part in [*whole_blocks(module), module]:
            fully_shard(part, mesh=mesh, reshard_after_forward=True)  # also the root: the average sees no backward pass

    def wrap(self, module: nn.Module) -> nn.Module:
        if self.shards:
            return module
        devices = None if self.device.type == "cpu" else [self.device]
        return nn.parallel.DistributedDataParallel(module, device_ids=devices, gradient_as_bucket_view=True)

    def unsynchronised(self, wrapped: nn.Module) -> AbstractContextManager:
        if isinstance(wrapped, nn.parallel.DistributedDataParallel):
            return wrapped.no_sync()
        return _ShardsKept(wrapped)

    def sum(self, values: Tensor) -> Tensor:
        on_device = values.to(self.device)
        torch.distributed.all_reduce(on_device)
        return on_device.cpu()

    def gather(self, value: T) -> list[T]:
        values: list = [None] * self.world
        torch.distributed.all_gather_object(values, value)
        return values

    def on_main(self, work: Callable[[], T]) -> T:
        answer: list = [None, None]
        if self.main:
            try:
                answer[0] = work()
            except TTMError as error:
                answer[1] = error
        torch.distributed.broadcast_object_list(answer, src=0)
        if answer[1] is not None:
            raise answer[1]
        return answer[0]


class _ShardsKept(AbstractContextManager):
    """FSDP's form of `no_sync`."""

    def __init__(self, module: Any):  # `fully_shard` has added to its class
        self.module = module

    def __enter__(self) -> None:
        self.module.set_requires_gradient_sync(False)

    def __exit__(self, *exception: object) -> None:
        self.module.set_requires_gradient_sync(True)


def assemble(device: str = "auto", shard: bool | None = None) -> Team:
    """The team that this process was launched in; alone, unless a launcher set WORLD_SIZE above 1.

    shard: FSDP instead of DDP; None: as `accelerate launch` was told. Raises RequestError for a device that is not
    there, DependencyError without the package accelerate.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        if shard:
            raise RequestError("FSDP needs several processes: start it with torchrun or accelerate launch")
        return Team(pick_device(device))
    try:
        from accelerate import PartialState
    except ImportError as error:
        raise DependencyError("several processes need the package accelerate: pip install accelerate") from error
    state = PartialState(cpu=pick_device(device).type == "cpu")
    atexit.register(state.destroy_process_group)  # a process that just ends takes the others' connections with it
    if shard is None:
        shard = os.environ.get("ACCELERATE_USE_FSDP", "false").lower() == "true"
    return SeveralProcesses(state, shard)


def whole_blocks(module: nn.Module) -> list[nn.Module]:
    """The parts of a backbone that can be gathered one at a time: large, and only ever run by their own `forward`."""
    from musicgen_app.backbones.fluxaudio.model import JointBlock, StreamBlock
    from musicgen_app.backbones.mamba.model import BidirectionalMixer

    joint = [part for part in module.modules() if isinstance(part, JointBlock)]
    within = {part for block in joint for part in block.modules()}
    return joint + [
        part for part in module.modules() if isinstance(part, (StreamBlock, BidirectionalMixer)) and part not in within
    ]
