/** A restore that was measured: what its backup takes when it is restored, and how long the database was down. */
export interface RestoreSample {
  readonly bytes: number;
  readonly seconds: number;
}

/** How long a restore takes: a part that is the same for each, and one that grows with the size. */
export interface RestoreModel {
  readonly fixedSeconds: number;
  readonly bytesPerSecond: number;
  /** Whether larger samples took longer; if not, both parts are taken too large rather than too small. */
  readonly isTold: boolean;
}

/** Sizes that differ by less tell nothing of what grows with them. */
const TELLING_RATIO = 1.2;

/**
 * The line of least squares through the samples, of which neither part is negative.
 *
 * @throws RangeError without a sample that has a size and a time
 */
export function fitRestores(samples: readonly RestoreSample[]): RestoreModel {
  const usable = samples.filter(({ bytes, seconds }) => bytes > 0 && seconds > 0);
  if (usable.length === 0) throw new RangeError('no restore was measured');
  const mean = (of: (sample: RestoreSample) => number): number => usable.reduce((sum, sample) => sum + of(sample), 0) / usable.length;
  const [bytes, seconds] = [mean((sample) => sample.bytes), mean((sample) => sample.seconds)];
  const spread = mean((sample) => (sample.bytes - bytes) ** 2);
  const isSpread = Math.max(...usable.map((sample) => sample.bytes)) >= TELLING_RATIO * Math.min(...usable.map((sample) => sample.bytes));
  const slope = isSpread && spread > 0 ? mean((sample) => (sample.bytes - bytes) * (sample.seconds - seconds)) / spread : 0;
  if (slope <= 0) {
    return {
      fixedSeconds: Math.max(...usable.map((sample) => sample.seconds)),
      bytesPerSecond: Math.min(...usable.map((sample) => sample.bytes / sample.seconds)),
      isTold: false,
    };
  }
  const fixedSeconds = seconds - slope * bytes;
  if (fixedSeconds >= 0) return { fixedSeconds, bytesPerSecond: 1 / slope, isTold: true };
  const throughOrigin = mean((sample) => sample.bytes * sample.seconds) / mean((sample) => sample.bytes ** 2);
  return { fixedSeconds: 0, bytesPerSecond: 1 / throughOrigin, isTold: true };
}
