import io

import psycopg2

import trial


class Client:
    def __init__(self, number):
        self.number = number
        self.connection = psycopg2.connect(trial.URI)
        self.connection.autocommit = True

    def run(self, sql, *parameters):
        with self.connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []

    def create(self):
        self.run(f"CREATE TABLE {trial.TABLE} (id bigint PRIMARY KEY, value text NOT NULL)")

    def insert(self, row, value):
        self.run(f"INSERT INTO {trial.TABLE} (id, value) VALUES (%s, %s)", row, value)

    def insert_pair(self, row, undo):
        self.connection.autocommit = False
        try:
            with self.connection:
                self.insert(row, trial.value_of(row))
                self.insert(row + 1, trial.value_of(row + 1))
                if undo:
                    raise trial.Undone
        except trial.Undone:
            pass
        self.connection.autocommit = True

    def find(self, row):
        found = self.run(trial.select_answer(self.number), row)
        return found[0][0] if found else None

    def copy(self, rows):
        with self.connection.cursor() as cursor:
            cursor.copy_expert(f"COPY {trial.TABLE} (id, value) FROM STDIN", io.StringIO("".join(f"{row}\t{trial.value_of(row)}\n" for row in rows)))

    def notify(self, message):
        self.run("LISTEN news")
        self.run("SELECT pg_notify('news', %s)", message)
        self.connection.poll()
        return self.connection.notifies[0].payload

    def close(self):
        self.connection.close()


trial.main(Client, psycopg2.__version__.split()[0])
