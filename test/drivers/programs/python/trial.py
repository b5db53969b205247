"""What all of Python's drivers are tried at; ../README.md says what is printed."""

import os
import sys
import threading
import time
import traceback
from urllib.parse import parse_qs, unquote, urlsplit

URI = os.environ["DRIVER_URI"]
TABLE = os.environ["DRIVER_TABLE"]
CLIENTS = int(os.environ.get("DRIVER_CLIENTS", "1"))
KEPT_ROWS = 20
ROWS_PER_CLIENT = 10_000_000
COPIED = range(1001, 1051)

_printing = threading.Lock()
stopping = threading.Event()


def say(line):
    with _printing:
        sys.stdout.write(line.replace("\n", " ") + "\n")
        sys.stdout.flush()


def value_of(row):
    return f"row {row}"


def select_answer(client, parameter="%s"):
    return f"SELECT value || ' for {client}' AS answer FROM {TABLE} WHERE id = {parameter}"


def parts():
    """The address in parts, for drivers that do not take it whole."""
    url = urlsplit(URI)
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    return {
        "host": url.hostname, "port": url.port, "user": unquote(url.username), "password": unquote(url.password),
        "database": url.path[1:], "sslmode": query["sslmode"], "sslrootcert": query["sslrootcert"],
    }


class Undone(Exception):
    """Rolls a transaction back."""


def step(name, body):
    try:
        say(f"step {name} {'ok' if body() is not False else 'none'}")
    except Exception as error:  # noqa: BLE001: whatever it is, it is reported
        traceback.print_exc()
        say(f"step {name} {error!r}")


def expect(found, wanted):
    if found != wanted:
        raise AssertionError(f"{found!r} instead of {wanted!r}")


def try_prepared(client):
    for row in range(1, KEPT_ROWS + 1):
        client.insert(row, value_of(row))
    for row in range(1, KEPT_ROWS + 1):
        expect(client.find(row), f"row {row} for 1")


def try_transaction(client):
    client.insert_pair(101, False)
    client.insert_pair(103, True)
    expect([client.find(101), client.find(102), client.find(103)], ["row 101 for 1", "row 102 for 1", None])


def try_copy(client):
    if not hasattr(client, "copy"):
        return False
    client.copy(COPIED)
    expect(client.find(COPIED[-1]), f"row {COPIED[-1]} for 1")


def try_notification(client):
    if not hasattr(client, "notify") or os.environ["DRIVER_ENDPOINT"] != "uri":
        return False
    expect(client.notify("hello"), "hello")


def try_refusal(client):
    try:
        client.insert(9999, "never")
    except Exception as error:  # noqa: BLE001
        if "read-only transaction" not in str(error):
            raise
        return
    raise AssertionError("a write was taken")


def work(connect, number, read_only):
    """Goes on until it is told to stop; after an error with a new client."""
    client, turn, row = None, 0, (number + 1) * ROWS_PER_CLIENT
    while not stopping.is_set():
        try:
            client = client or connect(number)
            if read_only:
                asked = 1 + turn % KEPT_ROWS
            else:
                asked, row = row, row + 3
                client.insert(asked, value_of(asked))
                say(f"wrote {asked}")
                if turn % 4 == 3:
                    say(f"pair {asked + 1}")
                    client.insert_pair(asked + 1, False)
                    say(f"wrote {asked + 1}")
                    say(f"wrote {asked + 2}")
            say(f"answer {asked} {number} {client.find(asked)}")
            turn += 1
            stopping.wait(0.1)
        except Exception as error:  # noqa: BLE001
            say(f"error {error!r}")
            try:
                client and client.close()
            except Exception:  # noqa: BLE001: it is gone
                pass
            client = None
            stopping.wait(0.2)
    if client:
        client.close()


def main(connect, version):
    """`connect(number)` answers with a client: create, insert, insert_pair, find, close; copy and notify where there are."""
    word = sys.argv[1]
    if word == "version":
        say(version)
    elif word == "try":
        client = connect(1)
        step("create", client.create)
        for name, body in {"prepared": try_prepared, "transaction": try_transaction, "copy": try_copy, "notification": try_notification}.items():
            step(name, lambda body=body: body(client))
        client.close()
    elif word == "refusal":
        client = connect(1)
        step("refusal", lambda: try_refusal(client))
    else:
        threads = [threading.Thread(target=work, args=(connect, number, word == "read"), daemon=True) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        sys.stdin.read()
        stopping.set()
        deadline = time.monotonic() + 20
        for thread in threads:
            thread.join(max(0, deadline - time.monotonic()))
