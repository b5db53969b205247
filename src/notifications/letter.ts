/** What a mail says, from which it is written as plain text and as HTML. */
export interface Letter {
  /** Where it goes, if not to the recipient as written: an address may have been written in a form that leads elsewhere. */
  readonly to?: string;
  readonly subject: string;
  /** One thought each. */
  readonly paragraphs: readonly string[];
  /** Where to go, after the paragraphs. */
  readonly link?: { readonly label: string; readonly url: string };
  /** What is said after the link, such as how long it is good for. */
  readonly closing?: readonly string[];
}

/** A mail in both forms. */
export interface WrittenLetter {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** @throws Error for a subject of several lines, which would be another header */
export function writeLetter(letter: Letter): WrittenLetter {
  if (/[\r\n]/.test(letter.subject)) throw new Error('a subject has one line');
  return { subject: letter.subject, text: writeText(letter), html: writeHtml(letter) };
}

function writeText({ paragraphs, link, closing = [] }: Letter): string {
  const parts = [...paragraphs, ...(link ? [`${link.label}:\n${link.url}`] : []), ...closing, SIGNATURE];
  return `${parts.join('\n\n')}\n`;
}

const SIGNATURE = '-- \nFreehold';

function writeHtml({ subject, paragraphs, link, closing = [] }: Letter): string {
  const parts = [
    ...paragraphs.map(paragraph),
    ...(link ? [`<p><a href="${escapeHtml(link.url)}">${escapeHtml(link.label)}</a></p>`] : []),
    ...closing.map(paragraph),
    '<p>Freehold</p>',
  ];
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${escapeHtml(subject)}</title></head>
<body style="font: 16px/1.5 sans-serif; color: #222; max-width: 36em">
${parts.join('\n')}
</body>
</html>
`;
}

const paragraph = (text: string): string => `<p>${escapeHtml(text)}</p>`;

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Names that customers choose stand in mails: they are text and nothing else. */
function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}
