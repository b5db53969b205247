import { Option } from 'commander';

import { LOCALE_PROVIDERS } from '../../config/locale-names.js';

/** Whose the locale is that `--locale` names. */
export const providerOption = (): Option =>
  new Option('--provider <name>', 'whose locale it is: libc if not given').choices(LOCALE_PROVIDERS);
