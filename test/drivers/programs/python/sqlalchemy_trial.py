import sqlalchemy
from sqlalchemy import BigInteger, Column, MetaData, Table, Text, literal_column

import trial


class Client:
    """An engine with its pool, which connects again by itself."""

    def __init__(self, number):
        self.engine = sqlalchemy.create_engine(trial.URI)
        self.table = Table(trial.TABLE, MetaData(), Column("id", BigInteger, primary_key=True), Column("value", Text, nullable=False))
        self.question = lambda row: sqlalchemy.select(literal_column(f"value || ' for {number}'")).select_from(self.table).where(self.table.c.id == row)

    def create(self):
        self.table.create(self.engine)

    def insert(self, row, value):
        with self.engine.begin() as connection:
            connection.execute(self.table.insert().values(id=row, value=value))

    def insert_pair(self, row, undo):
        try:
            with self.engine.begin() as connection:
                connection.execute(self.table.insert(), [{"id": one, "value": trial.value_of(one)} for one in (row, row + 1)])
                if undo:
                    raise trial.Undone
        except trial.Undone:
            pass

    def find(self, row):
        with self.engine.connect() as connection:
            return connection.execute(self.question(row)).scalar()

    def close(self):
        self.engine.dispose()


trial.main(Client, sqlalchemy.__version__)
