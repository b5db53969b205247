// Go's lib/pq and pgx; ../README.md says what is printed.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	keptRows      = 20
	rowsPerClient = 10_000_000
	patience      = 30 * time.Second
)

var (
	uri      = os.Getenv("DRIVER_URI")
	table    = os.Getenv("DRIVER_TABLE")
	endpoint = os.Getenv("DRIVER_ENDPOINT")
	printing sync.Mutex
	stopping atomic.Bool
	errUndo  = errors.New("undone")
	errNone  = errors.New("none")
)

// client is what a driver makes of a connection, or of a pool of them.
type client interface {
	run(ctx context.Context, sql string) error
	insert(ctx context.Context, row int64, value string) error
	insertPair(ctx context.Context, row int64, undo bool) error
	find(ctx context.Context, row int64) (string, error)
	copy(ctx context.Context, from, to int64) error
	notify(ctx context.Context, message string) (string, error)
	close()
}

func main() {
	connect := map[string]func(context.Context, int) (client, error){"pq": openPq, "pgx": openPgx}[os.Args[1]]
	switch os.Args[2] {
	case "version":
		say(versionOf(map[string]string{"pq": "lib/pq", "pgx": "jackc/pgx"}[os.Args[1]]))
	case "try":
		tryAll(connect)
	case "refusal":
		step("refusal", func(ctx context.Context) error { return isRefused(ctx, connect) })
	default:
		workAll(connect, os.Args[2] == "read")
	}
}

func versionOf(module string) string {
	info, _ := debug.ReadBuildInfo()
	for _, found := range info.Deps {
		if strings.Contains(found.Path, module) {
			return found.Version
		}
	}
	return "unknown"
}

func say(line string) {
	printing.Lock()
	defer printing.Unlock()
	out := bufio.NewWriter(os.Stdout)
	out.WriteString(strings.ReplaceAll(line, "\n", " ") + "\n")
	out.Flush()
}

func valueOf(row int64) string { return fmt.Sprintf("row %d", row) }

func answerText(number int) string {
	return fmt.Sprintf("SELECT value || ' for %d' AS answer FROM %s WHERE id = $1", number, table)
}

func step(name string, body func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	switch err := body(ctx); {
	case err == nil:
		say("step " + name + " ok")
	case errors.Is(err, errNone):
		say("step " + name + " none")
	default:
		say("step " + name + " " + err.Error())
	}
}

func expect(found, wanted string) error {
	if found != wanted {
		return fmt.Errorf("%q instead of %q", found, wanted)
	}
	return nil
}

func expectRow(ctx context.Context, c client, row int64, wanted string) error {
	found, err := c.find(ctx, row)
	if err != nil {
		return err
	}
	return expect(found, wanted)
}

func tryAll(connect func(context.Context, int) (client, error)) {
	c, err := connect(context.Background(), 1)
	if err != nil {
		say("step create " + err.Error())
		return
	}
	defer c.close()
	step("create", func(ctx context.Context) error {
		return c.run(ctx, "CREATE TABLE "+table+" (id bigint PRIMARY KEY, value text NOT NULL)")
	})
	step("prepared", func(ctx context.Context) error { return tryPrepared(ctx, c) })
	step("transaction", func(ctx context.Context) error { return tryTransaction(ctx, c) })
	step("copy", func(ctx context.Context) error {
		if err := c.copy(ctx, 1001, 1050); err != nil {
			return err
		}
		return expectRow(ctx, c, 1050, "row 1050 for 1")
	})
	step("notification", func(ctx context.Context) error {
		if endpoint != "uri" {
			return errNone
		}
		heard, err := c.notify(ctx, "hello")
		if err != nil {
			return err
		}
		return expect(heard, "hello")
	})
}

func tryPrepared(ctx context.Context, c client) error {
	for row := int64(1); row <= keptRows; row++ {
		if err := c.insert(ctx, row, valueOf(row)); err != nil {
			return err
		}
	}
	for row := int64(1); row <= keptRows; row++ {
		if err := expectRow(ctx, c, row, fmt.Sprintf("row %d for 1", row)); err != nil {
			return err
		}
	}
	return nil
}

func tryTransaction(ctx context.Context, c client) error {
	if err := c.insertPair(ctx, 101, false); err != nil {
		return err
	}
	if err := c.insertPair(ctx, 103, true); err != nil {
		return err
	}
	for row, wanted := range map[int64]string{101: "row 101 for 1", 102: "row 102 for 1", 103: ""} {
		if err := expectRow(ctx, c, row, wanted); err != nil {
			return err
		}
	}
	return nil
}

func isRefused(ctx context.Context, connect func(context.Context, int) (client, error)) error {
	c, err := connect(ctx, 1)
	if err != nil {
		return err
	}
	defer c.close()
	err = c.insert(ctx, 9999, "never")
	if err != nil && strings.Contains(err.Error(), "read-only transaction") {
		return nil
	}
	return fmt.Errorf("a write ended with %v", err)
}

func workAll(connect func(context.Context, int) (client, error), readOnly bool) {
	clients, _ := strconv.Atoi(os.Getenv("DRIVER_CLIENTS"))
	var working sync.WaitGroup
	for number := 0; number < clients; number++ {
		working.Add(1)
		go func() {
			defer working.Done()
			work(connect, number, readOnly)
		}()
	}
	io.Copy(io.Discard, os.Stdin)
	stopping.Store(true)
	working.Wait()
}

func work(connect func(context.Context, int) (client, error), number int, readOnly bool) {
	var c client
	row := int64(number+1) * rowsPerClient
	for turn := int64(0); !stopping.Load(); {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		var err error
		if c == nil {
			c, err = connect(ctx, number)
		}
		if err == nil {
			row += 3
			err = round(ctx, c, number, row, turn, readOnly)
		}
		cancel()
		if err == nil {
			turn++
			time.Sleep(100 * time.Millisecond)
			continue
		}
		say("error " + err.Error())
		if c != nil {
			c.close()
			c = nil
		}
		time.Sleep(200 * time.Millisecond)
	}
	if c != nil {
		c.close()
	}
}

func round(ctx context.Context, c client, number int, row, turn int64, readOnly bool) error {
	asked := row
	if readOnly {
		asked = 1 + turn%keptRows
	} else if err := write(ctx, c, row, turn); err != nil {
		return err
	}
	found, err := c.find(ctx, asked)
	if err == nil {
		say(fmt.Sprintf("answer %d %d %s", asked, number, found))
	}
	return err
}

func write(ctx context.Context, c client, row, turn int64) error {
	if err := c.insert(ctx, row, valueOf(row)); err != nil {
		return err
	}
	say(fmt.Sprintf("wrote %d", row))
	if turn%4 != 3 {
		return nil
	}
	say(fmt.Sprintf("pair %d", row+1))
	if err := c.insertPair(ctx, row+1, false); err != nil {
		return err
	}
	say(fmt.Sprintf("wrote %d", row+1))
	say(fmt.Sprintf("wrote %d", row+2))
	return nil
}
