import psycopg

import trial


class Client:
    def __init__(self, number):
        self.number = number
        self.connection = psycopg.connect(trial.URI, autocommit=True)

    def create(self):
        self.connection.execute(f"CREATE TABLE {trial.TABLE} (id bigint PRIMARY KEY, value text NOT NULL)")

    def insert(self, row, value):
        self.connection.execute(f"INSERT INTO {trial.TABLE} (id, value) VALUES (%s, %s)", (row, value))

    def insert_pair(self, row, undo):
        with self.connection.transaction():
            self.insert(row, trial.value_of(row))
            self.insert(row + 1, trial.value_of(row + 1))
            if undo:
                raise psycopg.Rollback

    def find(self, row):
        found = self.connection.execute(trial.select_answer(self.number), (row,)).fetchone()
        return found[0] if found else None

    def copy(self, rows):
        with self.connection.cursor().copy(f"COPY {trial.TABLE} (id, value) FROM STDIN") as copy:
            for row in rows:
                copy.write_row((row, trial.value_of(row)))

    def notify(self, message):
        self.connection.execute("LISTEN news")
        heard = self.connection.notifies()
        with psycopg.connect(trial.URI, autocommit=True) as other:
            other.execute("SELECT pg_notify('news', %s)", (message,))
        return next(heard).payload

    def close(self):
        self.connection.close()


trial.main(Client, psycopg.__version__)
