/** A server-sent event, or a comment between events. */
export interface StreamPart {
  readonly id?: string;
  readonly event?: string;
  readonly data?: string;
  readonly comment?: string;
}

/** Reads a stream of server-sent events as a program would, part by part. */
export async function* readStream(response: Response): AsyncGenerator<StreamPart> {
  if (!response.body) throw new Error('the answer has no body');
  const decoder = new TextDecoder();
  let buffer = '';
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    buffer += decoder.decode(chunk, { stream: true });
    const blocks = buffer.split('\n\n');
    buffer = blocks.pop() ?? '';
    for (const block of blocks) {
      yield Object.fromEntries(block.split('\n').map((line) => {
        const [, name, value] = /^([^:]*): ?(.*)$/.exec(line) ?? [];
        return [name === '' ? 'comment' : name, value];
      })) as StreamPart;
    }
  }
}

/** The events of a stream that ends. */
export async function readEvents(response: Response): Promise<StreamPart[]> {
  const events: StreamPart[] = [];
  for await (const part of readStream(response)) if (part.event) events.push(part);
  return events;
}
