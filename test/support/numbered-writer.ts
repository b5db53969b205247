/** The oracle of every failover test is the one that `freehold drill` brings. */
export { lostRows, NumberedWriter, type WriterReport } from '../../src/cli/drill/numbered-writer.js';
