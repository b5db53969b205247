import { describeEngine } from './engine-suite.js';
import { openLocalHarness } from './local-harness.js';

describeEngine('local', openLocalHarness);
