import asyncio

import asyncpg

import trial


class Client:
    """asyncpg in a loop of its own, so that it is tried by the same steps as the others."""

    def __init__(self, number):
        self.number = number
        self.loop = asyncio.new_event_loop()
        self.connection = self.wait(asyncpg.connect(trial.URI))

    def wait(self, coroutine):
        return self.loop.run_until_complete(coroutine)

    def create(self):
        self.wait(self.connection.execute(f"CREATE TABLE {trial.TABLE} (id bigint PRIMARY KEY, value text NOT NULL)"))

    def insert(self, row, value):
        self.wait(self.connection.execute(f"INSERT INTO {trial.TABLE} (id, value) VALUES ($1, $2)", row, value))

    def insert_pair(self, row, undo):
        async def both():
            try:
                async with self.connection.transaction():
                    await self.connection.executemany(f"INSERT INTO {trial.TABLE} (id, value) VALUES ($1, $2)", [(one, trial.value_of(one)) for one in (row, row + 1)])
                    if undo:
                        raise trial.Undone
            except trial.Undone:
                pass
        self.wait(both())

    def find(self, row):
        return self.wait(self.connection.fetchval(trial.select_answer(self.number, "$1"), row))

    def copy(self, rows):
        self.wait(self.connection.copy_records_to_table(trial.TABLE, records=[(row, trial.value_of(row)) for row in rows]))

    def notify(self, message):
        async def hear():
            heard = self.loop.create_future()
            await self.connection.add_listener("news", lambda _connection, _process, _channel, payload: heard.set_result(payload))
            await self.connection.execute("SELECT pg_notify('news', $1)", message)
            return await asyncio.wait_for(heard, 10)
        return self.wait(hear())

    def close(self):
        self.wait(self.connection.close(timeout=5))
        self.loop.close()


trial.main(Client, asyncpg.__version__)
