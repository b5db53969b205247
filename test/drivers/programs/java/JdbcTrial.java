import java.io.StringReader;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.postgresql.PGConnection;

/** PostgreSQL's JDBC driver; ../README.md says what is printed. */
public class JdbcTrial {
    static final String TABLE = System.getenv("DRIVER_TABLE");
    static final int KEPT_ROWS = 20;
    static final int ROWS_PER_CLIENT = 10_000_000;
    static volatile boolean stopping = false;

    interface Step { boolean run() throws Exception; }

    public static void main(String[] words) throws Exception {
        switch (words[0]) {
            case "version" -> say(org.postgresql.util.DriverInfo.DRIVER_VERSION);
            case "try" -> tryAll();
            case "refusal" -> step("refusal", JdbcTrial::isRefused);
            default -> workAll(words[0].equals("read"));
        }
    }

    static synchronized void say(String line) {
        System.out.println(line.replace('\n', ' '));
        System.out.flush();
    }

    static String valueOf(long row) { return "row " + row; }

    static void step(String name, Step body) {
        try {
            say("step " + name + (body.run() ? " ok" : " none"));
        } catch (Exception error) {
            say("step " + name + " " + error);
        }
    }

    static boolean expect(Object found, Object wanted) {
        if (!String.valueOf(found).equals(String.valueOf(wanted))) throw new IllegalStateException(found + " instead of " + wanted);
        return true;
    }

    /** What docs/connect.md says of JDBC: its addresses hold neither name nor password before the host. */
    static Connection connect() throws SQLException {
        URI uri = URI.create(System.getenv("DRIVER_URI"));
        String[] login = uri.getRawUserInfo().split(":", 2);
        Properties properties = new Properties();
        properties.setProperty("user", URLDecoder.decode(login[0], StandardCharsets.UTF_8));
        properties.setProperty("password", URLDecoder.decode(login[1], StandardCharsets.UTF_8));
        return DriverManager.getConnection("jdbc:postgresql://" + uri.getHost() + ":" + uri.getPort() + uri.getPath() + "?" + uri.getRawQuery(), properties);
    }

    static class Client implements AutoCloseable {
        final Connection connection = connect();
        final PreparedStatement insert = connection.prepareStatement("INSERT INTO " + TABLE + " (id, value) VALUES (?, ?)");
        final PreparedStatement answer;

        Client(int number) throws SQLException {
            answer = connection.prepareStatement("SELECT value || ' for " + number + "' AS answer FROM " + TABLE + " WHERE id = ?");
        }

        boolean run(String sql) throws SQLException {
            try (var statement = connection.createStatement()) {
                statement.execute(sql);
                return true;
            }
        }

        void insert(long row, String value) throws SQLException {
            insert.setLong(1, row);
            insert.setString(2, value);
            insert.executeUpdate();
        }

        void insertPair(long row, boolean undo) throws SQLException {
            connection.setAutoCommit(false);
            insert(row, valueOf(row));
            insert(row + 1, valueOf(row + 1));
            if (undo) connection.rollback();
            else connection.commit();
            connection.setAutoCommit(true);
        }

        String find(long row) throws SQLException {
            answer.setLong(1, row);
            try (ResultSet found = answer.executeQuery()) {
                return found.next() ? found.getString(1) : null;
            }
        }

        boolean copy() throws Exception {
            StringBuilder lines = new StringBuilder();
            for (long row = 1001; row <= 1050; row++) lines.append(row).append('\t').append(valueOf(row)).append('\n');
            connection.unwrap(PGConnection.class).getCopyAPI().copyIn("COPY " + TABLE + " (id, value) FROM STDIN", new StringReader(lines.toString()));
            return expect(find(1050), "row 1050 for 1");
        }

        boolean hears(String message) throws SQLException {
            run("LISTEN news");
            run("SELECT pg_notify('news', '" + message + "')");
            return expect(connection.unwrap(PGConnection.class).getNotifications(10_000)[0].getParameter(), message);
        }

        @Override public void close() throws SQLException { connection.close(); }
    }

    static void tryAll() throws SQLException {
        // Without its table no statement can be prepared; the driver prepares at the first execution.
        try (Client client = new Client(1)) {
            step("create", () -> client.run("CREATE TABLE " + TABLE + " (id bigint PRIMARY KEY, value text NOT NULL)"));
            step("prepared", () -> {
                for (long row = 1; row <= KEPT_ROWS; row++) client.insert(row, valueOf(row));
                for (long row = 1; row <= KEPT_ROWS; row++) expect(client.find(row), "row " + row + " for 1");
                return true;
            });
            step("transaction", () -> {
                client.insertPair(101, false);
                client.insertPair(103, true);
                return expect(client.find(101), "row 101 for 1") && expect(client.find(102), "row 102 for 1") && expect(client.find(103), null);
            });
            step("copy", client::copy);
            step("notification", () -> "uri".equals(System.getenv("DRIVER_ENDPOINT")) && client.hears("hello"));
        }
    }

    static boolean isRefused() throws SQLException {
        try (Client client = new Client(1)) {
            client.insert(9999, "never");
        } catch (SQLException error) {
            if (error.getMessage().contains("read-only transaction")) return true;
            throw error;
        }
        throw new IllegalStateException("a write was taken");
    }

    static void workAll(boolean readOnly) throws Exception {
        List<Thread> threads = new ArrayList<>();
        for (int client = 0; client < Integer.parseInt(System.getenv("DRIVER_CLIENTS")); client++) {
            int number = client;
            Thread thread = new Thread(() -> work(number, readOnly));
            thread.setDaemon(true);
            thread.start();
            threads.add(thread);
        }
        System.in.readAllBytes();
        stopping = true;
        for (Thread thread : threads) thread.join(20_000);
    }

    static void work(int number, boolean readOnly) {
        Client client = null;
        long row = (number + 1L) * ROWS_PER_CLIENT;
        for (int turn = 0; !stopping;) {
            try {
                if (client == null) client = new Client(number);
                long asked = readOnly ? 1 + turn % KEPT_ROWS : (row += 3);
                if (!readOnly) write(client, asked, turn);
                say("answer " + asked + " " + number + " " + client.find(asked));
                turn++;
                rest(100);
            } catch (SQLException error) {
                say("error " + error);
                close(client);
                client = null;
                rest(200);
            }
        }
        close(client);
    }

    static void write(Client client, long row, int turn) throws SQLException {
        client.insert(row, valueOf(row));
        say("wrote " + row);
        if (turn % 4 != 3) return;
        say("pair " + (row + 1));
        client.insertPair(row + 1, false);
        say("wrote " + (row + 1));
        say("wrote " + (row + 2));
    }

    static void rest(long ms) {
        try {
            Thread.sleep(ms);
        } catch (InterruptedException error) {
            stopping = true;
        }
    }

    static void close(Client client) {
        try {
            if (client != null) client.close();
        } catch (SQLException error) {
            // It is gone.
        }
    }
}
