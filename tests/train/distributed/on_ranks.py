"""Functions on several ranks: processes that talk over gloo, forked from one that has imported everything."""

import multiprocessing
import os
import pickle
import time
import traceback

import torch
import torch.distributed as dist

from pscgan.train.distributed.launch import process_group

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["pscgan.train.run"])
PATIENCE_SECONDS = 120


class Group:
    """Processes, one a rank, that have begun with ``function(*arguments)``, a function of a test module."""

    def __init__(self, size, function, *arguments, join=True):
        self.store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
        self.queue = SERVER.SimpleQueue()
        # the server may be older than what a test has set in the environment
        place = (size, self.store.port, dict(os.environ), join, self.queue, function, arguments)
        self.processes = [SERVER.Process(target=_enter, args=(rank, *place), daemon=True) for rank in range(size)]
        for process in self.processes:
            process.start()

    def kill(self, *ranks):
        for rank in ranks or range(len(self.processes)):
            self.processes[rank].kill()

    def wait(self):
        """Exit codes, and what came back by rank: results, or exceptions."""
        outcomes, end = {}, time.monotonic() + PATIENCE_SECONDS
        while any(process.is_alive() for process in self.processes) or not self.queue.empty():
            while not self.queue.empty():
                outcomes.update([pickle.loads(self.queue.get())])
            assert time.monotonic() < end, "ranks do not end"
            time.sleep(0.02)
        return [process.exitcode for process in self.processes], outcomes


def on_ranks(size, function, *arguments, join=True):
    """Results of all ranks, in their order; the first exception of a rank is raised."""
    _, outcomes = Group(size, function, *arguments, join=join).wait()
    for outcome in outcomes.values():
        if isinstance(outcome, BaseException):
            raise outcome
    return [outcomes[rank] for rank in range(size)]


def _enter(rank, size, port, environment, join, queue, function, arguments):
    places = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "LOCAL_WORLD_SIZE": size, "MASTER_PORT": port}
    os.environ.update(environment | {name: str(value) for name, value in places.items()})
    os.environ.update(MASTER_ADDR="127.0.0.1", TORCHELASTIC_USE_AGENT_STORE="True")
    torch.set_num_threads(1)
    try:
        if join:
            with process_group(on_gpu=False):
                outcome = function(*arguments)
        else:
            outcome = function(*arguments)
    except BaseException as error:
        traceback.print_exc()
        outcome = error
    queue.put(pickle.dumps((rank, outcome)))
