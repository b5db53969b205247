package main

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

type pgxClient struct {
	connection *pgx.Conn
	answer     string
}

func openPgx(ctx context.Context, number int) (client, error) {
	connection, err := pgx.Connect(ctx, uri)
	if err != nil {
		return nil, err
	}
	return &pgxClient{connection, answerText(number)}, nil
}

func (c *pgxClient) run(ctx context.Context, sql string) error {
	_, err := c.connection.Exec(ctx, sql)
	return err
}

func (c *pgxClient) insert(ctx context.Context, row int64, value string) error {
	_, err := c.connection.Exec(ctx, "INSERT INTO "+table+" (id, value) VALUES ($1, $2)", row, value)
	return err
}

func (c *pgxClient) insertPair(ctx context.Context, row int64, undo bool) error {
	err := pgx.BeginFunc(ctx, c.connection, func(pgx.Tx) error {
		if err := c.insert(ctx, row, valueOf(row)); err != nil {
			return err
		}
		if err := c.insert(ctx, row+1, valueOf(row+1)); err != nil || !undo {
			return err
		}
		return errUndo
	})
	if errors.Is(err, errUndo) {
		return nil
	}
	return err
}

func (c *pgxClient) find(ctx context.Context, row int64) (string, error) {
	var found string
	err := c.connection.QueryRow(ctx, c.answer, row).Scan(&found)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return found, err
}

func (c *pgxClient) copy(ctx context.Context, from, to int64) error {
	rows := [][]any{}
	for row := from; row <= to; row++ {
		rows = append(rows, []any{row, valueOf(row)})
	}
	_, err := c.connection.CopyFrom(ctx, pgx.Identifier{table}, []string{"id", "value"}, pgx.CopyFromRows(rows))
	return err
}

func (c *pgxClient) notify(ctx context.Context, message string) (string, error) {
	if err := c.run(ctx, "LISTEN news"); err != nil {
		return "", err
	}
	if _, err := c.connection.Exec(ctx, "SELECT pg_notify('news', $1)", message); err != nil {
		return "", err
	}
	heard, err := c.connection.WaitForNotification(ctx)
	if err != nil {
		return "", err
	}
	return heard.Payload, nil
}

func (c *pgxClient) close() { c.connection.Close(context.Background()) }
