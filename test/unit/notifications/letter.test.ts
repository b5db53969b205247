import { describe, expect, it } from 'vitest';
import { writeLetter } from '../../../src/notifications/letter.js';
import { nextAttemptSeconds } from '../../../src/notifications/next-attempt.js';
import { writeInvitation } from '../../../src/users/mails/invitation-mail.js';

describe('a letter', () => {
  it('is text, and HTML in which nothing is more than text', () => {
    const { text, html } = writeLetter({ subject: 'Hello', paragraphs: ['<b>&"\''], link: { label: 'Go', url: 'http://x/?a=1&b="' }, closing: ['Bye'] });
    expect(text).toBe('<b>&"\'\n\nGo:\nhttp://x/?a=1&b="\n\nBye\n\n-- \nFreehold\n');
    expect(html).toContain('<p>&lt;b&gt;&amp;&quot;&#39;</p>');
    expect(html).toContain('<a href="http://x/?a=1&amp;b=&quot;">Go</a>');
  });

  it('has a subject of one line, also where a customer chose a part of it', () => {
    expect(() => writeLetter({ subject: 'a\r\nBcc: everybody@example.com', paragraphs: [] })).toThrow(/one line/);
    const letter = writeInvitation({ invitationId: 'inv_1', token: 't' }, 'Ada\r\nBcc: x@y', 'owner', new Date(0), 'http://x');
    expect(writeLetter(letter).subject).toBe('You are invited to Ada Bcc: x@y at Freehold');
  });
});

describe('a mail that could not be sent', () => {
  it('is tried again at growing intervals, and given up after two days and a little', () => {
    const waits = Array.from({ length: 20 }, (_, index) => nextAttemptSeconds(index + 1)).filter((wait) => wait !== undefined);
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
    expect(nextAttemptSeconds(waits.length + 1)).toBeUndefined();
    const days = waits.reduce((sum, wait) => sum + wait, 0) / 86_400;
    expect(days).toBeGreaterThan(2);
    expect(days).toBeLessThan(3);
  });
});
