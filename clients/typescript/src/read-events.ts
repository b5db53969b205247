/** One server-sent event. */
export interface ServerEvent {
  /** The last id that the stream has named. */
  readonly id: string | undefined;
  readonly event: string;
  readonly data: string;
}

/** Reads server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) until the stream ends. */
export async function* readEvents(stream: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  let buffer = '';
  let id: string | undefined;
  for await (const chunk of stream) {
    buffer += decoder.decode(chunk, { stream: true });
    const blocks = buffer.split(/\r?\n\r?\n/);
    buffer = blocks.pop() ?? '';
    for (const block of blocks) {
      const { event, data, id: own } = parseBlock(block);
      id = own ?? id;
      // A block without data, such as a comment that keeps the connection alive, is no event.
      if (data !== undefined) yield { id, event, data };
    }
  }
}

function parseBlock(block: string): { readonly event: string; readonly data: string | undefined; readonly id: string | undefined } {
  const fields = block.split(/\r?\n/).map((line) => /^([^:]*):? ?(.*)$/.exec(line) ?? []);
  const last = (name: string): string | undefined => fields.findLast(([, field]) => field === name)?.[2];
  const data = fields.filter(([, field]) => field === 'data').map(([, , value]) => value);
  return { event: last('event') ?? 'message', data: data.length === 0 ? undefined : data.join('\n'), id: last('id') };
}
