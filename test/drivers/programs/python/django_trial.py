import django
from django.conf import settings
from django.db import close_old_connections, connection, models, transaction
from django.db.models import Value
from django.db.models.functions import Concat

import trial

place = trial.parts()
settings.configure(
    INSTALLED_APPS=[], USE_TZ=True,
    DATABASES={"default": {
        "ENGINE": "django.db.backends.postgresql", "NAME": place["database"], "USER": place["user"], "PASSWORD": place["password"],
        "HOST": place["host"], "PORT": place["port"], "CONN_MAX_AGE": 60,
        "OPTIONS": {"sslmode": place["sslmode"], "sslrootcert": place["sslrootcert"]},
    }},
)
django.setup()


class Row(models.Model):
    id = models.BigIntegerField(primary_key=True)
    value = models.TextField()

    class Meta:
        app_label = "trial"
        db_table = trial.TABLE


class Client:
    """Django keeps a connection for each thread."""

    def __init__(self, number):
        self.number = number

    def create(self):
        with connection.schema_editor() as editor:
            editor.create_model(Row)

    def insert(self, row, value):
        Row.objects.create(id=row, value=value)

    def insert_pair(self, row, undo):
        try:
            with transaction.atomic():
                Row.objects.bulk_create([Row(id=one, value=trial.value_of(one)) for one in (row, row + 1)])
                if undo:
                    raise trial.Undone
        except trial.Undone:
            pass

    def find(self, row):
        return Row.objects.filter(id=row).annotate(answer=Concat("value", Value(f" for {self.number}"), output_field=models.TextField())).values_list("answer", flat=True).first()

    def close(self):
        """As at the end of a request: a connection that has failed is given up."""
        close_old_connections()


trial.main(Client, django.get_version())
