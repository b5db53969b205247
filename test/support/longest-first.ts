import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take most of a run, the longest first: what begins last should not be what ends the run alone. */
const LONGEST = [
  'test/faults/backups', 'test/e2e/fleet', 'test/faults/slow-troubles', 'test/conformance/local-failover', 'test/faults/worker-killed',
  'test/faults/failover-and-another-fault', 'test/faults/crash-matrix', 'test/faults/primary-lost', 'test/e2e/full-disk', 'test/drivers/npm-drivers',
];

/** Where nothing is known of earlier runs, as in a clean clone, files would begin by their sizes. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rank = ({ moduleId }: TestSpecification): number => {
      const index = LONGEST.findIndex((name) => moduleId.endsWith(`${name}.test.ts`));
      return index < 0 ? LONGEST.length : index;
    };
    return sorted.sort((one, other) => rank(one) - rank(other));
  }
}
