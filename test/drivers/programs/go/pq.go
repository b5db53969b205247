package main

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/lib/pq"
)

// pqClient has a pool, as database/sql always has, which connects again by itself.
type pqClient struct {
	pool   *sql.DB
	answer *sql.Stmt
	text   string
}

// pqAddress is what docs/connect.md says of lib/pq at pooledUri: it prepares a statement without a name and executes it after a
// round trip, by when a pooler may have given it another session; with binary_parameters it sends both at once.
func pqAddress() string {
	if endpoint == "pooledUri" {
		return uri + "&binary_parameters=yes"
	}
	return uri
}

func openPq(_ context.Context, number int) (client, error) {
	pool, err := sql.Open("postgres", pqAddress())
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(1)
	return &pqClient{pool: pool, text: answerText(number)}, nil
}

func (c *pqClient) run(ctx context.Context, text string) error {
	_, err := c.pool.ExecContext(ctx, text)
	return err
}

func (c *pqClient) insert(ctx context.Context, row int64, value string) error {
	_, err := c.pool.ExecContext(ctx, "INSERT INTO "+table+" (id, value) VALUES ($1, $2)", row, value)
	return err
}

func (c *pqClient) insertPair(ctx context.Context, row int64, undo bool) error {
	tx, err := c.pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, one := range []int64{row, row + 1} {
		if _, err := tx.ExecContext(ctx, "INSERT INTO "+table+" (id, value) VALUES ($1, $2)", one, valueOf(one)); err != nil {
			return err
		}
	}
	if undo {
		return nil
	}
	return tx.Commit()
}

func (c *pqClient) find(ctx context.Context, row int64) (string, error) {
	if c.answer == nil {
		answer, err := c.pool.PrepareContext(ctx, c.text)
		if err != nil {
			return "", err
		}
		c.answer = answer
	}
	var found string
	err := c.answer.QueryRowContext(ctx, row).Scan(&found)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return found, err
}

func (c *pqClient) copy(ctx context.Context, from, to int64) error {
	tx, err := c.pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	copying, err := tx.PrepareContext(ctx, pq.CopyIn(table, "id", "value"))
	if err != nil {
		return err
	}
	for row := from; row <= to; row++ {
		if _, err := copying.ExecContext(ctx, row, valueOf(row)); err != nil {
			return err
		}
	}
	if _, err := copying.ExecContext(ctx); err != nil {
		return err
	}
	if err := copying.Close(); err != nil {
		return err
	}
	return tx.Commit()
}

func (c *pqClient) notify(ctx context.Context, message string) (string, error) {
	listener := pq.NewListener(uri, time.Second, time.Second, nil)
	defer listener.Close()
	if err := listener.Listen("news"); err != nil {
		return "", err
	}
	if _, err := c.pool.ExecContext(ctx, "SELECT pg_notify('news', $1)", message); err != nil {
		return "", err
	}
	for {
		select {
		case heard := <-listener.Notify:
			if heard != nil {
				return heard.Extra, nil
			}
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

func (c *pqClient) close() { c.pool.Close() }
