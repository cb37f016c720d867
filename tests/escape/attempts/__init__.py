"""The attempts, one class a file."""

from tests.escape.attempt import Attempt
from tests.escape.attempts import (
    background,
    cpu,
    disk,
    host_reads,
    host_writes,
    kernel_surface,
    leftovers,
    memory,
    namespaces,
    network,
    output,
    privileges,
    processes,
    proxy,
    walked,
)

BY_KIND: dict[str, tuple[Attempt, ...]] = {
    module.__name__.rpartition(".")[2].replace("_", " "): module.ATTEMPTS
    for module in (
        host_writes,
        host_reads,
        network,
        proxy,
        privileges,
        namespaces,
        kernel_surface,
        memory,
        processes,
        cpu,
        disk,
        output,
        walked,
        leftovers,
        background,
    )
}
