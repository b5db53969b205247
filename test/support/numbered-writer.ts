/** The oracle of every failover test is the one that `freehold drill` brings. */
export { lostRows, NumberedWriter } from '../../src/cli/drill/numbered-writer.js';
