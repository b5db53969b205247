import { runSeed } from './run-seed.js';
const from = Number(process.argv[2] ?? 1), count = Number(process.argv[3] ?? 50), show = process.argv[4] === 'show', off = process.argv[5];
const t = Date.now(); const kinds: Record<string, number[]> = {}; let ev = 0, commits = 0, promo = 0; const rec: number[] = [];
for (let s = from; s < from + count; s++) {
  const r = await runSeed(s, new Set(off ? [off as never] : []));
  ev += r.events; commits += r.commits; promo += r.promotions; rec.push(r.recoveredAfterMs);
  if (r.violation) { (kinds[r.violation.invariant + ' ' + r.violation.message.slice(0, 90)] ??= []).push(s); if (show) { console.log(r.trace()); break; } }
  else if (show && count === 1) console.log(r.trace());
}
rec.sort((a, b) => a - b);
console.log(kinds, `${((Date.now() - t) / count).toFixed(1)} ms/seed`, { ev: ev / count, commits: commits / count, promo: promo / count, recMedian: rec[rec.length >> 1], rec95: rec[Math.floor(rec.length * .95)], max: rec.at(-1) });
