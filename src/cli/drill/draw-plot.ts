import type { Round } from './run-round.js';

const WIDTH = 720;
const HEIGHT = 360;
const MARGIN = { top: 64, right: 24, bottom: 48, left: 64 };
const SERIES = [
  { name: 'outage', color: '#c2410c', of: (round: Round): number | null => round.outageSeconds },
  { name: 'time to redundancy', color: '#1d4ed8', of: (round: Round): number | null => round.redundantSeconds },
] as const;

/** Draws each round's outage and time to redundancy as an SVG document: rounds to the right, seconds up. */
export function drawPlot(title: string, rounds: readonly Round[]): string {
  const top = chooseTop(Math.max(0, ...rounds.flatMap((round) => SERIES.map(({ of }) => of(round) ?? 0))));
  const x = (index: number): number => MARGIN.left + ((index + 0.5) / Math.max(1, rounds.length)) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (seconds: number): number => HEIGHT - MARGIN.bottom - (seconds / top) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const points = SERIES.flatMap(({ name, color, of }) => rounds.flatMap((round, index) => {
    const seconds = of(round);
    return seconds === null ? [] : [
      `<circle cx="${x(index).toFixed(1)}" cy="${y(seconds).toFixed(1)}" r="4" fill="${color}">`
        + `<title>round ${index + 1}, ${name}: ${seconds.toFixed(3)} s</title></circle>`,
    ];
  }));
  const lines = [0, 0.25, 0.5, 0.75, 1].map((share) => share * top).map((seconds) => [
    `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(seconds).toFixed(1)}" y2="${y(seconds).toFixed(1)}" stroke="#d4d4d4"/>`,
    text(MARGIN.left - 8, y(seconds) + 4, `${Number(seconds.toPrecision(3))} s`, 'end'),
  ].join('\n'));
  const legend = SERIES.map(
    ({ name, color }, index) =>
      `<circle cx="${MARGIN.left + 6 + index * 110}" cy="44" r="4" fill="${color}"/>\n${text(MARGIN.left + 16 + index * 110, 48, name)}`,
  );
  const labels = rounds.flatMap((_, index) =>
    isLabelled(index, rounds.length) ? [text(x(index), HEIGHT - MARGIN.bottom + 20, String(index + 1), 'middle')] : [],
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" `
      + 'font-family="system-ui, sans-serif" font-size="12" fill="#262626">',
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    `<text x="${MARGIN.left}" y="24" font-size="15">${escape(title)}</text>`,
    ...legend, ...lines, ...labels, text(WIDTH / 2, HEIGHT - 10, 'round', 'middle'), ...points,
    '</svg>',
    '',
  ].join('\n');
}

/** The next of 1, 2, 4, 10, 20, … that is not below, in quarters that are easy to read. */
function chooseTop(most: number): number {
  for (let unit = 0.01; ; unit *= 10) {
    const found = [1, 2, 4].map((times) => times * unit).find((top) => top >= most);
    if (found !== undefined) return Number(found.toPrecision(1));
  }
}

/** About a dozen labels, whatever the number of rounds. */
function isLabelled(index: number, count: number): boolean {
  return (index + 1) % Math.ceil(count / 12) === 0 || index === 0;
}

function text(x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end' = 'start'): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${escape(content)}</text>`;
}

function escape(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
