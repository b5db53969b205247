<?php
// PHP's PDO; ../README.md says what is printed. Each client is a process of its own.

const KEPT_ROWS = 20;
const ROWS_PER_CLIENT = 10_000_000;

function say(string $line): void
{
    fwrite(STDOUT, str_replace("\n", ' ', $line) . "\n");
}

function value_of(int $row): string
{
    return "row $row";
}

function expect(mixed $found, mixed $wanted): void
{
    if ($found !== $wanted) throw new RuntimeException(json_encode($found) . ' instead of ' . json_encode($wanted));
}

function step(string $name, callable $body): void
{
    try {
        say("step $name " . ($body() === false ? 'none' : 'ok'));
    } catch (Throwable $error) {
        say("step $name " . $error->getMessage());
    }
}

final class Client
{
    private PDO $connection;
    private string $table;
    private ?PDOStatement $answer = null;

    public function __construct(private int $number)
    {
        $url = parse_url(getenv('DRIVER_URI'));
        parse_str($url['query'], $query);
        $this->table = getenv('DRIVER_TABLE');
        $host = trim($url['host'], '[]');
        $dsn = "pgsql:host=$host;port={$url['port']};dbname=" . substr($url['path'], 1) . ";sslmode={$query['sslmode']};sslrootcert={$query['sslrootcert']}";
        // As docs/connect.md advises: what PDO has prepared it gives up by SQL's DEALLOCATE, under a name that the pooler's servers do not know.
        $options = getenv('DRIVER_ENDPOINT') === 'pooledUri' ? [PDO::PGSQL_ATTR_DISABLE_PREPARES => true] : [];
        $this->connection = new PDO($dsn, urldecode($url['user']), urldecode($url['pass']), $options);
    }

    public function create(): void
    {
        $this->connection->exec("CREATE TABLE {$this->table} (id bigint PRIMARY KEY, value text NOT NULL)");
    }

    public function insert(int $row, string $value): void
    {
        $this->connection->prepare("INSERT INTO {$this->table} (id, value) VALUES (?, ?)")->execute([$row, $value]);
    }

    public function insertPair(int $row, bool $undo): void
    {
        $this->connection->beginTransaction();
        $this->insert($row, value_of($row));
        $this->insert($row + 1, value_of($row + 1));
        $undo ? $this->connection->rollBack() : $this->connection->commit();
    }

    public function find(int $row): ?string
    {
        $this->answer ??= $this->connection->prepare("SELECT value || ' for {$this->number}' AS answer FROM {$this->table} WHERE id = ?");
        $this->answer->execute([$row]);
        $found = $this->answer->fetchColumn();
        return $found === false ? null : $found;
    }

    public function copy(array $rows): void
    {
        $this->connection->pgsqlCopyFromArray($this->table, array_map(fn (int $row) => "$row\t" . value_of($row), $rows));
    }

    public function notify(string $message): string
    {
        $this->connection->exec('LISTEN news');
        $this->connection->prepare("SELECT pg_notify('news', ?)")->execute([$message]);
        return $this->connection->pgsqlGetNotify(PDO::FETCH_ASSOC, 10_000)['payload'];
    }
}

function try_all(): void
{
    $client = new Client(1);
    step('create', fn () => $client->create());
    step('prepared', function () use ($client) {
        for ($row = 1; $row <= KEPT_ROWS; $row++) $client->insert($row, value_of($row));
        for ($row = 1; $row <= KEPT_ROWS; $row++) expect($client->find($row), "row $row for 1");
    });
    step('transaction', function () use ($client) {
        $client->insertPair(101, false);
        $client->insertPair(103, true);
        expect([$client->find(101), $client->find(102), $client->find(103)], ['row 101 for 1', 'row 102 for 1', null]);
    });
    step('copy', function () use ($client) {
        $client->copy(range(1001, 1050));
        expect($client->find(1050), 'row 1050 for 1');
    });
    step('notification', fn () => getenv('DRIVER_ENDPOINT') === 'uri' ? expect($client->notify('hello'), 'hello') : false);
}

function try_refusal(): void
{
    step('refusal', function () {
        try {
            (new Client(1))->insert(9999, 'never');
        } catch (PDOException $error) {
            if (str_contains($error->getMessage(), 'read-only transaction')) return;
            throw $error;
        }
        throw new RuntimeException('a write was taken');
    });
}

function work(int $number, bool $readOnly): void
{
    global $stopping;
    $client = null;
    $row = ($number + 1) * ROWS_PER_CLIENT;
    for ($turn = 0; !$stopping;) {
        try {
            $client ??= new Client($number);
            $asked = $readOnly ? 1 + $turn % KEPT_ROWS : ($row += 3);
            if (!$readOnly) write($client, $asked, $turn);
            say("answer $asked $number " . $client->find($asked));
            $turn++;
            usleep(100_000);
        } catch (Throwable $error) {
            say('error ' . $error->getMessage());
            $client = null;
            usleep(200_000);
        }
    }
}

function write(Client $client, int $row, int $turn): void
{
    $client->insert($row, value_of($row));
    say("wrote $row");
    if ($turn % 4 !== 3) return;
    say('pair ' . ($row + 1));
    $client->insertPair($row + 1, false);
    say('wrote ' . ($row + 1));
    say('wrote ' . ($row + 2));
}

function work_all(bool $readOnly): void
{
    global $stopping;
    $stopping = false;
    pcntl_async_signals(true);
    pcntl_signal(SIGTERM, function () { $GLOBALS['stopping'] = true; });
    $children = [];
    for ($number = 0; $number < (int) getenv('DRIVER_CLIENTS'); $number++) {
        $child = pcntl_fork();
        if ($child === 0) {
            work($number, $readOnly);
            exit(0);
        }
        $children[] = $child;
    }
    stream_get_contents(STDIN);
    foreach ($children as $child) posix_kill($child, SIGTERM);
    foreach ($children as $child) {
        pcntl_waitpid($child, $status);
        if ($status !== 0) {
            fwrite(STDERR, "a client ended with $status\n");
            exit(1);
        }
    }
}

match ($argv[1]) {
    'version' => say(PHP_VERSION),
    'try' => try_all(),
    'refusal' => try_refusal(),
    default => work_all($argv[1] === 'read'),
};
