"""Many clients at once: all wait at one barrier, then all call."""
import threading

from .client import Client


def crowd(server, n, call):
    """Run call(client, i) on `n` threads at the same moment; the results in order.

    Every client has its connection open before the barrier falls.
    """
    barrier = threading.Barrier(n)
    results = [None] * n

    def one(i):
        client = Client(server)
        try:
            client.get("/healthz")
            barrier.wait(30)
            results[i] = call(client, i)
        except Exception as error:  # the caller looks at every result
            results[i] = error
        finally:
            client.close()

    threads = [threading.Thread(target=one, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results
