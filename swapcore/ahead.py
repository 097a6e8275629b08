"""Reading while others work, and several that work on the same."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Full, Queue
from typing import Any, TypeVar

Item = TypeVar("Item")
AHEAD = 3  # items that are read before they are asked for


def ahead(frames: Iterable[Item]) -> Iterator[Item]:
    """The same, read in a thread of its own from now on, at most AHEAD before they are asked for.

    Reading begins with the call, so that the first frames are there when all else is loaded. An error of the reader is
    raised where its frame would have come.
    """
    reader, source = ThreadPoolExecutor(1), iter(frames)
    end: Any = object()
    waiting = deque(reader.submit(next, source, end) for _ in range(AHEAD))

    def handed() -> Iterator[Item]:
        try:
            while (item := waiting.popleft().result()) is not end:
                waiting.append(reader.submit(next, source, end))
                yield item
        finally:
            reader.shutdown(cancel_futures=True)
            if close := getattr(source, "close", None):
                close()

    return handed()


def shared(items: Iterable[Item], workers: Sequence[Callable[[Iterator[Item]], Any]]) -> list[Any]:
    """What each of the workers returns, each in a thread of its own and given all items, at most AHEAD before it asks.

    An error of the items, or the first of a worker, ends all of them and is raised here.
    """
    errors: list[Exception] = []
    queues: list[Queue[Any]] = [Queue(AHEAD) for _ in workers]
    end: Any = object()

    def given(queue: Queue[Any]) -> Iterator[Item]:
        while (item := queue.get()) is not end:
            yield item

    def hand(item: Any, queue: Queue[Any], worker: Future[Any]) -> None:
        while not worker.done():  # who has ended asks for no more
            try:
                return queue.put(item, timeout=0.1)
            except Full:
                continue

    def run(work: Callable[[Iterator[Item]], Any], queue: Queue[Any]) -> Any:
        try:
            return work(given(queue))
        except Exception as error:
            errors.append(error)

    with ThreadPoolExecutor(len(workers)) as pool:
        running = [pool.submit(run, work, queue) for work, queue in zip(workers, queues, strict=True)]
        try:
            for item in items:
                if any(worker.done() for worker in running):
                    break
                for queue, worker in zip(queues, running, strict=True):
                    hand(item, queue, worker)
        finally:
            for queue, worker in zip(queues, running, strict=True):
                hand(end, queue, worker)
    if errors:
        raise errors[0]
    return [worker.result() for worker in running]
